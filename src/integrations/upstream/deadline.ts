import type { StartTimeout } from '../../platform/lib/time-limit.ts'

interface DeadlineOptions {
  timeoutMs: number
  /** Makes the reason of the abort when time is up. */
  onTimeout: () => Error
  /** Ends the work early. */
  signal?: AbortSignal | undefined
  /** Makes the reason of the abort when `signal` is aborted; the reason of `signal` by default. */
  onAbort?: () => Error
  startTimeout: StartTimeout
}

/** A signal that is aborted when time is up, or together with another signal. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Must be called when the work is done. */
  clear(): void
}

/** Starts the time limit of some work. The work has to stop by itself when the signal is aborted. */
export function startDeadline({ timeoutMs, onTimeout, signal, onAbort, startTimeout }: DeadlineOptions): Deadline {
  const controller = new AbortController()
  const abort = () => controller.abort(onAbort?.() ?? signal?.reason)
  const cancelTimeout = startTimeout(() => controller.abort(onTimeout()), timeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  return {
    signal: controller.signal,
    clear() {
      cancelTimeout()
      signal?.removeEventListener('abort', abort)
    }
  }
}
