import type { Problem } from '../../../schemas/problem.ts'

interface CatalogueEntry {
  status: number
  title: string
  /** Where it is a problem that others have defined. */
  type?: string
}

/** Every problem that a client can meet: its stable code, its status and its title. */
const catalogue = {
  'validation-failed': { status: 400, title: 'The request is not valid' },
  'invalid-cursor': { status: 400, title: 'The cursor is not valid' },
  'cursor-mismatch': { status: 400, title: 'The cursor belongs to another query' },
  'malformed-json': { status: 400, title: 'The body is not valid JSON' },
  'malformed-request': { status: 400, title: 'The request is not valid HTTP' },
  'key-in-url': { status: 400, title: 'An API key does not belong in a URL' },
  unauthorized: { status: 401, title: 'A valid API key is required' },
  'signature-missing': { status: 401, title: 'A signature is required' },
  'signature-malformed': { status: 401, title: 'The signature is not in the form of its scheme' },
  'signature-mismatch': { status: 401, title: 'The signature is not that of the body' },
  'signature-expired': { status: 401, title: 'The signature is from another time' },
  forbidden: { status: 403, title: 'The API key may not do this' },
  'route-not-found': { status: 404, title: 'There is no such route' },
  'product-not-found': { status: 404, title: 'There is no such product' },
  'webhook-event-not-found': { status: 404, title: 'There is no such webhook event' },
  'method-not-allowed': { status: 405, title: 'The route does not have this method' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'sku-conflict': { status: 409, title: 'Another product has this sku' },
  'insufficient-stock': { status: 409, title: 'The stock would fall below zero' },
  'stock-limit': { status: 409, title: 'The stock would be above what can be counted' },
  'idempotency-key-in-use': { status: 409, title: 'A request with this Idempotency-Key is under way' },
  'webhook-event-not-replayable': { status: 409, title: 'The webhook event cannot be replayed' },
  'cursor-expired': { status: 410, title: 'The cursor is older than what is kept' },
  'precondition-failed': { status: 412, title: 'The resource is not in the state that the request asks for' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The URL is too long' },
  'unsupported-media-type': { status: 415, title: 'The body has a content type that this route does not take' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key belongs to another request' },
  'quota-exceeded': {
    status: 429,
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded'
  },
  'headers-too-large': { status: 431, title: 'The header fields are too large' },
  'internal-error': { status: 500, title: 'Something went wrong on our side' },
  'database-unavailable': { status: 503, title: 'The database does not answer' },
  'database-timeout': { status: 503, title: 'The database took too long' },
  overloaded: { status: 503, title: 'The service is overloaded' },
  'upstream-unavailable': { status: 503, title: 'A service that is called for this does not answer' },
  'handler-timeout': { status: 503, title: 'The request took too long to serve' },
  'webhooks-disabled': { status: 503, title: 'The service takes no webhooks' },
  'shutting-down': { status: 503, title: 'The service is shutting down' }
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof catalogue
export type FieldErrors = NonNullable<Problem['errors']>

export function statusOf(code: ErrorCode): number {
  return catalogue[code].status
}

interface ErrorOptions {
  errors?: FieldErrors
  retryAfterSeconds?: number
  violatedPolicies?: string[]
  /** The product that stands in the way. */
  productId?: string
  /** Response headers that belong to the problem, such as `Allow`. */
  headers?: Record<string, string>
  cause?: unknown
}

/** An error with a place in the catalogue. Thrown where the cause is known, rendered by `toProblem`. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly errors: FieldErrors | undefined
  readonly violatedPolicies: string[] | undefined
  readonly productId: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, detail: string, options: ErrorOptions = {}) {
    super(detail, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.status = statusOf(code)
    this.errors = options.errors
    this.violatedPolicies = options.violatedPolicies
    this.productId = options.productId
    this.headers = {
      ...options.headers,
      ...(options.retryAfterSeconds !== undefined && { 'retry-after': String(options.retryAfterSeconds) })
    }
  }
}

/**
 * Makes a 503 `overloaded`: the service has more work of this kind than it can take.
 * @param detail what there is too much of, as the client is told
 * @param retryAfterSeconds when to come back, sent as `Retry-After`
 */
export function overloaded(detail: string, retryAfterSeconds: number): AppError {
  return new AppError('overloaded', detail, { retryAfterSeconds })
}

/**
 * Makes a 503 `shutting-down`: this instance stops and takes no new work of this kind; another one does.
 * @param detail what the client can do
 * @param retryAfterSeconds when to come back, sent as `Retry-After`
 */
export function shuttingDown(detail = 'The service is shutting down.', retryAfterSeconds = 1): AppError {
  return new AppError('shutting-down', detail, { retryAfterSeconds })
}

const MAX_FIELD_ERRORS = 20
export const UNKNOWN_PARAMETER = 'is not a known parameter'

/** A 400 that names one query, path or header parameter. */
export function parameterError(parameter: string, detail: string, code: ErrorCode = 'validation-failed') {
  return new AppError(code, `${parameter} ${detail}`, { errors: [{ parameter, detail }] })
}

/** A 400 that names the query parameters of a route that takes none. */
export function unknownParameters(names: readonly string[]) {
  return validationFailed(names.map((parameter) => ({ parameter, detail: UNKNOWN_PARAMETER })))
}

/** A 400 that names everything that is wrong, or as much of it as helps. */
export function validationFailed(faults: FieldErrors) {
  const errors = faults.slice(0, MAX_FIELD_ERRORS)
  const detail = errors.map((error) => `${error.parameter ?? error.pointer} ${error.detail}`).join('; ')
  return new AppError('validation-failed', detail, { errors })
}

/** The body of a problem response (RFC 9457). */
export function toProblem(error: AppError, request: { url: string; id: string }): Problem {
  const entry: CatalogueEntry = catalogue[error.code]
  return {
    type: entry.type ?? `urn:aisle:problem:${error.code}`,
    title: entry.title,
    status: error.status,
    detail: error.message,
    instance: pathOf(request.url),
    code: error.code,
    requestId: request.id,
    ...(error.errors && { errors: error.errors }),
    ...(error.productId && { productId: error.productId }),
    ...(error.violatedPolicies && { 'violated-policies': error.violatedPolicies })
  }
}

function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}
