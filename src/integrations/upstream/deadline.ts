import { startTimeout } from '../../platform/lib/time-limit.ts'
import { UpstreamError } from './upstream-error.ts'

export interface CallLimits {
  /** Names the upstream in errors. */
  upstream: string
  deadlineMs: number
  /** The caller's own. */
  signal?: AbortSignal | undefined
}

/**
 * Does work under a signal that fires at the deadline, or with the caller's own signal; its reason is an
 * `UpstreamError` of kind `deadline` or `aborted`. The work has to end by itself when it fires.
 */
export async function withDeadline<T>(limits: CallLimits, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { upstream, deadlineMs, signal } = limits
  const end = new AbortController()
  const abort = () => end.abort(new UpstreamError(upstream, 'aborted', { cause: signal?.reason }))
  if (signal?.aborted) abort()
  end.signal.throwIfAborted()
  const cancelTimeout = startTimeout(() => end.abort(new UpstreamError(upstream, 'deadline')), deadlineMs)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await work(end.signal)
  } finally {
    cancelTimeout()
    signal?.removeEventListener('abort', abort)
  }
}
