import type { Static, TSchema } from '@sinclair/typebox'
import { Ajv, type ValidateFunction } from 'ajv'
import type { Reply } from './exchange.ts'
import { parseRetryAfter } from './retry-after.ts'
import { UpstreamError } from './upstream-error.ts'

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
const JSON_TYPE = /^application\/(?:[a-z0-9.-]+\+)?json *(?:;|$)/i

/** What an upstream adds to the agreed fields is not looked at; the first fault ends the check. */
const ajv = new Ajv({ validateFormats: false, allowUnionTypes: true })
const validators = new WeakMap<TSchema, ValidateFunction>()

/**
 * The value in an answer, checked against its schema. An answer without content reads as null.
 *
 * Every redirect is refused, also one that stays at the origin: following one would send the credentials of a call, and
 * for some statuses its body, to where nobody has asked for.
 * @param upstream names it in errors
 * @throws {UpstreamError} `redirect`, `status`, `malformed`
 */
export function readReply<S extends TSchema>(upstream: string, reply: Reply, schema: S): Static<S> {
  const { status, headers } = reply
  if (REDIRECTS.includes(status)) throw new UpstreamError(upstream, 'redirect', { status })
  if (status >= 300) {
    const retryAfterMs = parseRetryAfter(headers['retry-after'], Date.now())
    throw new UpstreamError(upstream, 'status', { status, retryAfterMs })
  }
  const value = parse(upstream, reply)
  const validate = validatorOf(schema)
  if (validate(value)) return value
  // Where in our schema: where in the answer would quote it.
  throw new UpstreamError(upstream, 'malformed', { status, detail: validate.errors?.[0]?.schemaPath })
}

function parse(upstream: string, { status, headers, body }: Reply): unknown {
  if (body.length === 0) return null
  if (headers['content-encoding'] !== undefined || !JSON_TYPE.test(headers['content-type'] ?? ''))
    throw new UpstreamError(upstream, 'malformed', { status, detail: 'not JSON by its content type' })
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new UpstreamError(upstream, 'malformed', { status, detail: 'not JSON' })
  }
}

/** Compiled at its first use. */
function validatorOf<S extends TSchema>(schema: S): ValidateFunction<Static<S>> {
  const known = validators.get(schema)
  if (known) return known
  const validate = ajv.compile<Static<S>>(schema)
  validators.set(schema, validate)
  return validate
}
