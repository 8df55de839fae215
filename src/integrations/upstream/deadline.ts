import { setTimeout as sleep } from 'node:timers/promises'
import { startTimeout } from '../../platform/lib/start-timeout.ts'
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

/** Waits for a promise until the signal fires, and fails with its reason then. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** @throws the signal's reason, as soon as it fires */
export async function wait(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal })
  } catch {
    // Nothing else ends it.
    throw signal.reason
  }
}
