import type { ProblemCode } from '../../../schemas/problem-types.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { backoffMs } from '../../platform/lib/backoff.ts'
import { type StartTimeout, wait } from '../../platform/lib/time-limit.ts'

const OUTAGE_CODES: readonly ProblemCode[] = ['database-unavailable', 'database-timeout', 'overloaded']
const BACKOFF = { baseMs: 200, maxMs: 1000 }

interface RetryOptions {
  /** How long after the first failure the last attempt may begin. */
  forMs: number
  /** Ends the retries: an attempt that runs is the last one. */
  signal: AbortSignal
  /** A monotonic clock, in ms. */
  nowMs: () => number
  start?: StartTimeout
}

/**
 * Runs work, and runs it again for a while when the database is down, slow or overloaded, with exponential backoff.
 * @param work may have been done although it fails, so doing it twice must be as good as doing it once
 * @throws the error of the last attempt
 */
export async function retryOutage<T>(
  work: () => Promise<T>,
  { forMs, signal, nowMs, start }: RetryOptions
): Promise<T> {
  let deadlineMs: number | undefined
  for (let failures = 1; ; failures++) {
    try {
      return await work()
    } catch (error) {
      deadlineMs ??= nowMs() + forMs
      if (!isOutage(error) || signal.aborted || nowMs() >= deadlineMs) throw error
      await wait(backoffMs(failures, BACKOFF, Math.random), signal, start).catch(() => {
        throw error
      })
    }
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && OUTAGE_CODES.includes(error.code)
}
