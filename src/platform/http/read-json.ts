import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../errors/app-error.ts'

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i
const UTF_8 = /^utf-?8$/i
/** No field takes more than two decimals, and none an exponent. */
const NUMBER = /^-?[0-9]+(\.[0-9]{1,2})?$/
const decoder = new TextDecoder('utf-8', { fatal: true })

/** The text of a body in UTF-8, without a byte order mark.
 * @throws {TypeError} for anything else
 */
export const decodeUtf8 = (bytes: Buffer) => decoder.decode(bytes)

/**
 * Reads a body in JSON.
 * @param body undefined is answered for an empty one
 * @throws {AppError} `unsupported-media-type` for another charset or a content coding, `malformed-json`
 */
export function readJson(body: Buffer, headers: IncomingHttpHeaders): unknown {
  requirePlainUtf8(headers)
  if (body.length === 0) return undefined
  try {
    return parseJson(body)
  } catch (cause) {
    throw new AppError('malformed-json', 'The body is no valid JSON in UTF-8, or is nested too deeply.', { cause })
  }
}

/** @throws {AppError} `unsupported-media-type` for a body with another charset or a content coding */
export function requirePlainUtf8(headers: IncomingHttpHeaders): void {
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new AppError('unsupported-media-type', 'The body must come without a content coding.', {
      headers: { 'accept-encoding': 'identity' }
    })
  }
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && !UTF_8.test(charset)) {
    throw new AppError('unsupported-media-type', 'The body must be in UTF-8.')
  }
}

/**
 * Parses JSON, which is UTF-8 (RFC 8259). A number that is written with an exponent, or with more decimals than any field
 * takes, becomes NaN, which no schema takes: else it would be rounded, or taken for what it is not.
 * @throws whatever is wrong with it, too deep a nesting included
 */
export function parseJson(bytes: Buffer): unknown {
  return JSON.parse(decodeUtf8(bytes), withoutOtherNumbers)
}

/** The context of a value is newer than the types. */
function withoutOtherNumbers(_key: string, value: unknown, ...[context]: readonly { source?: string }[]): unknown {
  return typeof value === 'number' && !NUMBER.test(context?.source ?? '') ? Number.NaN : value
}
