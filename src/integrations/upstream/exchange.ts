import type { Static, TSchema } from '@sinclair/typebox'
import { Ajv, type ValidateFunction } from 'ajv'
import { type Dispatcher, request } from 'undici'
import { type StartTimeout, unlessAborted } from '../../platform/lib/time-limit.ts'
import { startDeadline } from './deadline.ts'
import { parseRetryAfter } from './retry-after.ts'
import { UpstreamError } from './upstream-error.ts'

/** One HTTP request, and what its response must be. */
export interface Exchange<S extends TSchema> {
  origin: string
  path: string
  method: Dispatcher.HttpMethod
  headers: Record<string, string>
  body: string | null
  /** The schema of the JSON body of a 2xx response. */
  response: S
}

/** The limits of one exchange. */
export interface ExchangeOptions {
  dispatcher: Dispatcher
  /** The name of the upstream, for errors. */
  upstream: string
  /** The time for everything: connecting, header fields and body. */
  timeoutMs: number
  /** The longest body that is read. */
  limitBytes: number
  /** Ends the exchange. Its reason is an `UpstreamError`. */
  signal: AbortSignal
  startTimeout: StartTimeout
  /** Called once, when the connection is free again or closed: possibly later than the response. */
  onRelease: () => void
}

/** A response as it was received. */
interface RawResponse {
  status: number
  headers: Dispatcher.ResponseData['headers']
  /** Empty unless the status is 2xx. */
  body: Buffer
}

/** How much of an unwanted body is read: less work than a new connection. */
const DISCARD_LIMIT_BYTES = 65_536
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
const JSON_TYPE = /^application\/(?:[a-z0-9.-]+\+)?json *(?:;|$)/i
/** Codes of undici for an invalid request and a closed dispatcher: the upstream has no part in them. */
const OWN_FAULTS: readonly (string | undefined)[] = ['UND_ERR_INVALID_ARG', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']
const EMPTY = Buffer.alloc(0)

/** Additional fields of a response are ignored; checking stops at the first fault. */
const ajv = new Ajv({ validateFormats: false, allowUnionTypes: true })
const validators = new WeakMap<TSchema, ValidateFunction>()

/**
 * Sends one request and reads its JSON response.
 *
 * Every redirect is refused, even one within the origin: following it would send the credentials of a call, and for some
 * statuses its body, to an address that nobody asked for.
 * @returns the body, which fits the schema; null for an empty body
 * @throws {UpstreamError} `timeout`, `network`, `own-fault`, `too-large`, `redirect`, `status` or `malformed`; or the
 * reason of the signal, as soon as it is aborted
 */
export async function exchange<S extends TSchema>(call: Exchange<S>, options: ExchangeOptions): Promise<Static<S>> {
  const { upstream, timeoutMs, signal, startTimeout, onRelease } = options
  const onTimeout = () => new UpstreamError(upstream, 'timeout')
  const deadline = startDeadline({ timeoutMs, onTimeout, signal, startTimeout })
  const release = () => {
    deadline.clear()
    onRelease()
  }
  // undici does not give up a request that waits for its connection, nor at once one that reads a body.
  const response = await unlessAborted(deadline.signal, transfer(call, options, deadline.signal, release))
  return readResponse(upstream, response, call.response)
}

/** Reads a body to its end or closes the connection, within the time limit in both cases. */
async function transfer(
  { response: _, origin, ...outgoing }: Exchange<TSchema>,
  { dispatcher, upstream, limitBytes }: ExchangeOptions,
  signal: AbortSignal,
  release: () => void
): Promise<RawResponse> {
  let discarded: Promise<unknown> = Promise.resolve()
  try {
    // One timer for all phases instead of undici's own timers, one for each phase.
    const options = { ...outgoing, dispatcher, signal, headersTimeout: 0, bodyTimeout: 0 }
    const { statusCode: status, headers, body } = await request(origin, options)
    // In a response to HEAD the length is that of the response to GET.
    const statedBytes = outgoing.method === 'HEAD' ? 0 : Number(headers['content-length'] ?? 0)
    if (status < 300 && statedBytes <= limitBytes) {
      return { status, headers, body: await readBody(upstream, body, limitBytes) }
    }
    discarded = body.dump({ limit: DISCARD_LIMIT_BYTES })
    if (status < 300) throw new UpstreamError(upstream, 'too-large', { status })
    return { status, headers, body: EMPTY }
  } catch (error) {
    throw toUpstreamError(upstream, error)
  } finally {
    discarded.finally(release)
  }
}

async function readBody(upstream: string, body: Dispatcher.ResponseData['body'], limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.length
    if (sizeBytes > limitBytes) throw new UpstreamError(upstream, 'too-large')
    chunks.push(chunk)
  }
  const [first = EMPTY] = chunks
  return chunks.length > 1 ? Buffer.concat(chunks, sizeBytes) : first
}

function toUpstreamError(upstream: string, error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const detail = typeof code === 'string' ? code : undefined
  return new UpstreamError(upstream, OWN_FAULTS.includes(detail) ? 'own-fault' : 'network', { detail })
}

function readResponse<S extends TSchema>(upstream: string, response: RawResponse, schema: S): Static<S> {
  const { status, headers } = response
  if (REDIRECTS.includes(status)) throw new UpstreamError(upstream, 'redirect', { status })
  if (status >= 300) {
    const retryAfterMs = parseRetryAfter(headers['retry-after'], Date.now())
    throw new UpstreamError(upstream, 'status', { status, retryAfterMs })
  }
  const value = parseJson(upstream, response)
  const validate = validatorOf(schema)
  if (validate(value)) return value
  // The place in our schema: the place in the response would quote the response.
  throw new UpstreamError(upstream, 'malformed', { status, detail: validate.errors?.[0]?.schemaPath })
}

function parseJson(upstream: string, { status, headers, body }: RawResponse): unknown {
  if (body.length === 0) return null
  if (headers['content-encoding'] !== undefined || !JSON_TYPE.test(String(headers['content-type'])))
    throw new UpstreamError(upstream, 'malformed', { status, detail: 'not JSON by its content type' })
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new UpstreamError(upstream, 'malformed', { status, detail: 'not JSON' })
  }
}

/** Compiles a schema at its first use. */
function validatorOf<S extends TSchema>(schema: S): ValidateFunction<Static<S>> {
  const known = validators.get(schema)
  if (known) return known
  const validate = ajv.compile<Static<S>>(schema)
  validators.set(schema, validate)
  return validate
}
