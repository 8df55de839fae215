import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv'
import { AppError } from '../errors/app-error.ts'

/** Time for a client to read the response while it is still sending. */
const LINGER_MS = 2000

/** The time limit of request bodies. */
export interface BodyTimeout {
  /** Lifts the time limit for the body of one request. */
  lift(request: IncomingMessage): void
}

/**
 * Limits the time in which the body of each request of a server has to arrive, whichever handler it ends up with. Node's
 * own `requestTimeout` is the same for all requests. A late body is reported as Node reports a late request: as a
 * `clientError` of the server. A request without a body costs a look at two header fields.
 */
export function limitBodies(server: Server, timeoutMs: number): BodyTimeout {
  const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>()

  // Before the listener that handles the request.
  server.prependListener('request', (request) => {
    const { headers } = request
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return
    const timer = setTimeout(() => {
      if (!request.complete) server.emit('clientError', tooLate(), request.socket)
    }, timeoutMs).unref()
    timers.set(request, timer)
    request.once('close', () => clearTimeout(timer))
  })

  return {
    lift(request) {
      clearTimeout(timers.get(request))
    }
  }
}

function tooLate(): Error {
  return Object.assign(new Error('The body did not arrive in time.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
}

/**
 * Discards what is left of a request body once its response is sent, so that the connection can be used for the next
 * request. A client that goes on sending is disconnected after two seconds: earlier, the unread bytes would reset the
 * connection before the client could read the response.
 */
export function discardRest(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return
    const timer = setTimeout(() => request.destroy(), LINGER_MS).unref()
    request.once('close', () => clearTimeout(timer)).resume()
  })
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i
const UTF_8 = /^utf-?8$/i
/** No field has more than two decimals or an exponent. */
const NUMBER = /^-?[0-9]+(\.[0-9]{1,2})?$/
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Decodes UTF-8, and removes a byte order mark.
 * @throws {TypeError} when the bytes are not valid UTF-8
 */
export function decodeUtf8(bytes: Buffer): string {
  return decoder.decode(bytes)
}

/**
 * Parses a JSON request body.
 * @returns undefined for an empty body
 * @throws {AppError} `unsupported-media-type` for a charset other than UTF-8 or a content coding; `malformed-json`
 */
export function readJson(body: Buffer, headers: IncomingHttpHeaders): unknown {
  requirePlainUtf8(headers)
  if (body.length === 0) return undefined
  try {
    return parseJson(body)
  } catch (cause) {
    throw new AppError('malformed-json', 'The body is not valid JSON in UTF-8, or is nested too deeply.', { cause })
  }
}

/**
 * Checks that a request body is in UTF-8 and not compressed.
 * @throws {AppError} `unsupported-media-type`
 */
export function requirePlainUtf8(headers: IncomingHttpHeaders): void {
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw new AppError('unsupported-media-type', 'The body must not have a content coding.', {
      headers: { 'accept-encoding': 'identity' }
    })
  }
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && !UTF_8.test(charset)) {
    throw new AppError('unsupported-media-type', 'The body must be in UTF-8.')
  }
}

/**
 * Parses JSON in UTF-8 (RFC 8259). A number with an exponent, or with more than two decimals, becomes NaN, which no schema
 * accepts; otherwise it would be rounded to another value that is valid.
 * @throws {TypeError} when the bytes are not valid UTF-8
 * @throws {SyntaxError} when the text is not valid JSON
 * @throws {RangeError} when it is nested too deeply
 */
export function parseJson(bytes: Buffer): unknown {
  return JSON.parse(decodeUtf8(bytes), rejectOtherNumbers)
}

/** The type of a reviver does not have the third parameter yet. */
function rejectOtherNumbers(_key: string, value: unknown, ...[context]: readonly { source?: string }[]): unknown {
  return typeof value === 'number' && !NUMBER.test(context?.source ?? '') ? Number.NaN : value
}

/**
 * Makes a compiler of schemas for request bodies. Nothing is coerced: JSON has types, and `"5"` is not 5.
 * @param shared the schemas that others refer to
 * @returns a function that compiles a schema into a validator
 */
export function createBodyValidator(shared: readonly AnySchema[]): (schema: AnySchema) => ValidateFunction {
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, validateFormats: false, schemas: [...shared] })
  return (schema) => ajv.compile(schema)
}

/**
 * Encodes a text as a response body that is kept for a while. It gets memory of its own: a small `Buffer.from` is a slice
 * of a pool of 64 KiB, all of which stays allocated with it.
 */
export function bodyOf(text: string): Buffer {
  const body = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  body.write(text)
  return body
}

/** Returns whether a JSON value is an object: neither null nor an array. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
