import type { Problem } from '../../../schemas/problem.ts'
import { type ProblemCode, type ProblemType, problemTypes } from '../../../schemas/problem-types.ts'

/** The faults of single parameters or body fields, as a problem response lists them. */
export type FieldErrors = NonNullable<Problem['errors']>

/** Returns the HTTP status of a problem. */
export function statusOf(code: ProblemCode): number {
  return problemTypes[code].status
}

interface ErrorOptions {
  errors?: FieldErrors
  /** Sent as `Retry-After`. */
  retryAfterSeconds?: number
  /** Names of the rate limits that were exceeded. */
  violatedPolicies?: string[]
  /** The product that is in conflict with the request. */
  productId?: string
  /** Further response headers, such as `Allow`; names in lower case. */
  headers?: Record<string, string>
  cause?: unknown
}

/**
 * An error with one of the codes of `problemTypes`. Code throws it where the cause is known; the application renders it
 * with `toProblem`. The message is the `detail` that the client reads.
 */
export class AppError extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly errors: FieldErrors | undefined
  readonly violatedPolicies: string[] | undefined
  readonly productId: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, detail: string, options: ErrorOptions = {}) {
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
 * @param detail what there is too much of, for the client to read
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
/** The detail for a query parameter that a route does not have. */
export const UNKNOWN_PARAMETER = 'is not a known parameter'

/**
 * Makes an error that names one query, path or header parameter.
 * @param detail what is wrong with it, such as `must be a UUID`
 */
export function parameterError(parameter: string, detail: string, code: ProblemCode = 'validation-failed'): AppError {
  return new AppError(code, `${parameter} ${detail}`, { errors: [{ parameter, detail }] })
}

/** Makes a 400 `validation-failed` that names query parameters as unknown. */
export function unknownParameters(names: readonly string[]): AppError {
  return validationFailed(names.map((parameter) => ({ parameter, detail: UNKNOWN_PARAMETER })))
}

/** Makes a 400 `validation-failed` that lists all faults, but no more than 20. */
export function validationFailed(faults: FieldErrors): AppError {
  const errors = faults.slice(0, MAX_FIELD_ERRORS)
  const detail = errors.map((error) => `${error.parameter ?? error.pointer} ${error.detail}`).join('; ')
  return new AppError('validation-failed', detail, { errors })
}

/**
 * Renders an error as the body of a problem response (RFC 9457).
 * @param request `url` is shown without its query
 */
export function toProblem(error: AppError, request: { url: string; id: string }): Problem {
  const entry: ProblemType = problemTypes[error.code]
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
