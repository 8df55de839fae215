import type { RetryBudget } from './retry-budget.ts'
import { UpstreamError } from './upstream-error.ts'

export interface RetryOptions {
  /** In all, the first one included. */
  attempts: number
  baseDelayMs: number
  budget: RetryBudget
  nowMs: () => number
  /** From 0 to 1. */
  random: () => number
  /** @throws the reason of the signal, as soon as it ends the waiting */
  wait: (delayMs: number, signal: AbortSignal) => Promise<void>
}

export interface RetriedCall {
  /** Ends the waiting between attempts. */
  signal: AbortSignal
  /** An attempt that could only begin later is not waited for. */
  deadlineAtMs: number
  /** Asked after a failure that may pass: would another attempt be made? */
  isRepeatable: () => boolean
}

const MAX_DELAY_MS = 20_000
/** 501 and the like are not going to change. */
const PASSING_STATUSES: readonly (number | undefined)[] = [500, 502, 503, 504]

/**
 * Attempts something until it succeeds, fails for good, or there is no more time, leave or budget for an attempt; then
 * the last failure is the answer.
 */
export async function retry<T>(options: RetryOptions, call: RetriedCall, attempt: () => Promise<T>): Promise<T> {
  const { budget, nowMs, wait } = options
  for (let number = 1; ; number++) {
    try {
      const value = await attempt()
      budget.earn()
      return value
    } catch (error) {
      if (number >= options.attempts || !mayPass(error) || !call.isRepeatable()) throw error
      const delayMs = (error.retryAfterMs ?? 0) + backoffMs(number, options)
      if (nowMs() + delayMs >= call.deadlineAtMs || !budget.take()) throw error
      await wait(delayMs, call.signal)
    }
  }
}

/**
 * A random time between nothing and a bound that doubles with each failure ("full jitter" of AWS: callers that failed
 * together do not come back together).
 */
export function backoffMs(failures: number, { baseDelayMs, random }: Pick<RetryOptions, 'baseDelayMs' | 'random'>) {
  return random() * Math.min(MAX_DELAY_MS, baseDelayMs * 2 ** (failures - 1))
}

/** A refusal (4xx) stays one, but for a 429 that says when to come back. */
function mayPass(error: unknown): error is UpstreamError {
  if (!(error instanceof UpstreamError)) return false
  if (error.kind === 'timeout' || error.kind === 'network') return true
  return PASSING_STATUSES.includes(error.status) || (error.status === 429 && error.retryAfterMs !== undefined)
}
