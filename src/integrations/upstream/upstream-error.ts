/** Why a call of an upstream failed. */
export type UpstreamErrorKind =
  /** One attempt took too long. */
  | 'timeout'
  /** The whole call took too long. */
  | 'deadline'
  /** The caller gave up. */
  | 'aborted'
  /** The circuit breaker is open; nothing was sent. */
  | 'open'
  /** Too many calls are waiting already; nothing was sent. */
  | 'busy'
  /** The request is invalid, or our connections were closed. */
  | 'own-fault'
  /** The upstream could not be reached, or the connection broke. */
  | 'network'
  /** The response has a status that is not 2xx. */
  | 'status'
  /** The response is a redirect. */
  | 'redirect'
  /** The response is not of the agreed form. */
  | 'malformed'
  /** The response is longer than may be read. */
  | 'too-large'

interface UpstreamErrorOptions {
  status?: number
  /** How long the upstream, or its circuit breaker, asks to be left alone. */
  retryAfterMs?: number | undefined
  /** More about the failure in our own words, such as the code of a system error. */
  detail?: string | undefined
  cause?: unknown
}

const WORDS: Readonly<Record<UpstreamErrorKind, string>> = {
  timeout: 'did not respond in time',
  deadline: 'did not respond before the deadline of the call',
  aborted: 'was called by a caller that has given up',
  open: 'is not called while its circuit breaker is open',
  busy: 'has too many calls waiting',
  'own-fault': 'could not be called because of a fault on our side',
  network: 'could not be reached',
  status: 'responded with an error',
  redirect: 'responded with a redirect',
  malformed: 'sent a response that is not of the agreed form',
  'too-large': 'sent a response that is too long'
}
const TRANSIENT: readonly UpstreamErrorKind[] = ['timeout', 'deadline', 'open', 'busy', 'network']
const TOO_MANY_REQUESTS = 429
const NOT_IMPLEMENTED = 501

/**
 * A failed call of an upstream. The error holds nothing that was sent or received, neither secrets nor bodies: errors of
 * parsers and of the HTTP client quote what they read, so they are left out.
 */
export class UpstreamError extends Error {
  readonly kind: UpstreamErrorKind
  /** The status of the response, if there was one. */
  readonly status: number | undefined
  /** How long the upstream, or its circuit breaker, asks to be left alone, in ms. */
  readonly retryAfterMs: number | undefined

  constructor(upstream: string, kind: UpstreamErrorKind, options: UpstreamErrorOptions = {}) {
    const detail = options.detail ?? options.status
    super(`${upstream} ${WORDS[kind]}${detail === undefined ? '' : ` (${detail})`}`, { cause: options.cause })
    this.name = 'UpstreamError'
    this.kind = kind
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Returns whether the same call may succeed later: the upstream failed, or had no time, and did not refuse the call. */
export function isTransient(error: unknown): error is UpstreamError {
  if (!(error instanceof UpstreamError)) return false
  const { kind, status = 0 } = error
  if (kind !== 'status') return TRANSIENT.includes(kind)
  return status === TOO_MANY_REQUESTS || (status >= 500 && status !== NOT_IMPLEMENTED)
}
