import { type Backoff, backoffMs } from '../../platform/lib/backoff.ts'

/** How often to retry, and when. */
export interface RetryOptions {
  /** How many attempts there are in all, the first one included. */
  attempts: number
  backoff: Backoff
  /** Limits the retries of many calls together; no limit without one. */
  budget?: RetryBudget
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** A random number from 0 to 1. */
  random: () => number
  /** @throws the reason of the signal, as soon as it is aborted */
  wait: (delayMs: number, signal: AbortSignal) => Promise<void>
}

/** What to retry, and until when. */
export interface RetriedCall {
  /** Ends the waiting between attempts. */
  signal: AbortSignal
  /** By the clock of the options. An attempt that could only start later is not waited for. */
  deadlineAtMs: number
  /** Whether the call may be repeated after this error. */
  isRetryable: (error: unknown) => error is Error & { retryAfterMs?: number | undefined }
  /** Called before each retry is waited for. */
  onRetry?: (error: Error) => void
}

/** How many retries there may be without a single success. */
const BUDGET_RETRIES = 50
const SUCCESSES_PER_RETRY = 10

/**
 * Calls a function until it succeeds, fails with an error that is not retryable, or runs out of attempts, time or budget.
 * @returns what the first successful attempt returned
 * @throws the error of the last attempt; or the reason of the signal, when it is aborted between two attempts
 */
export async function retry<T>(options: RetryOptions, call: RetriedCall, attempt: () => Promise<T>): Promise<T> {
  const { attempts, backoff, budget, nowMs, random, wait } = options
  for (let failures = 1; ; failures++) {
    try {
      const value = await attempt()
      budget?.earn()
      return value
    } catch (error) {
      if (failures >= attempts || !call.isRetryable(error)) throw error
      const delayMs = (error.retryAfterMs ?? 0) + backoffMs(failures, backoff, random)
      if (nowMs() + delayMs >= call.deadlineAtMs || budget?.take() === false) throw error
      call.onRetry?.(error)
      await wait(delayMs, call.signal)
    }
  }
}

/** Limits how much load retries add to an upstream. */
export interface RetryBudget {
  /** Takes a retry from the budget; returns false when none is left. */
  take(): boolean
  /** Reports a successful call. */
  earn(): void
}

/**
 * Makes a retry budget, a token bucket: each retry takes a token, and ten successes add one. During an outage there are
 * at most 50 retries, otherwise at most one for ten successes (Google SRE, Handling Overload; retry quota of AWS SDKs).
 */
export function createRetryBudget(): RetryBudget {
  const full = BUDGET_RETRIES * SUCCESSES_PER_RETRY
  // In tenths of a retry, so that it stays exact.
  let left = full
  return {
    take() {
      if (left < SUCCESSES_PER_RETRY) return false
      left -= SUCCESSES_PER_RETRY
      return true
    },
    earn() {
      if (left < full) left++
    }
  }
}
