/** Why a call of an upstream has failed. */
export type UpstreamErrorKind =
  /** One attempt took too long. */
  | 'timeout'
  /** The whole call took too long. */
  | 'deadline'
  /** The caller has given up. */
  | 'aborted'
  /** Its circuit breaker is open; nothing was sent. */
  | 'open'
  /** As many calls wait for it as may; nothing was sent. */
  | 'busy'
  /** Its request is not valid, or our connections were closed. */
  | 'own-fault'
  /** It could not be reached, or the connection broke. */
  | 'network'
  /** It has answered with a status that is not 2xx. */
  | 'status'
  /** It sends the caller elsewhere. */
  | 'redirect'
  /** Its answer is not of the form that was agreed. */
  | 'malformed'
  /** Its answer is longer than may be read. */
  | 'too-large'

interface UpstreamErrorOptions {
  status?: number
  /** How long the upstream, or its breaker, asks to be left alone. */
  retryAfterMs?: number | undefined
  /** A word of ours on what happened, such as the code of a system error. */
  detail?: string | undefined
  cause?: unknown
}

const WORDS: Readonly<Record<UpstreamErrorKind, string>> = {
  timeout: 'did not answer in time',
  deadline: 'did not answer before the deadline of the call',
  aborted: 'was not waited for any longer',
  open: 'is left alone until it has recovered',
  busy: 'has as many calls waiting as it may have',
  'own-fault': 'could not be called, for a fault of ours',
  network: 'could not be reached',
  status: 'did not do what it was asked to',
  redirect: 'sends its callers elsewhere',
  malformed: 'gave an answer that is not as agreed',
  'too-large': 'gave an answer that is too long'
}

/**
 * A call of an upstream has failed. Nothing that was sent or received is in it, neither secrets nor bodies: the errors
 * of parsers and of the HTTP client quote what they read, and are left out.
 */
export class UpstreamError extends Error {
  readonly kind: UpstreamErrorKind
  readonly status: number | undefined
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
