import { setTimeout as wait } from 'node:timers/promises'
import type { ProblemCode } from '../../../schemas/problem-types.ts'
import { AppError } from '../../platform/errors/app-error.ts'

const PASSING_CODES: readonly ProblemCode[] = ['database-unavailable', 'database-timeout', 'overloaded']
const DELAY_MS = 250

interface RetryOptions {
  /** How long after the first failure the last attempt may begin. */
  forMs: number
  /** After this there is no further attempt. */
  signal: AbortSignal
  /** A monotonic clock, in ms. */
  nowMs: () => number
}

/**
 * Tries again for a while what fails because of a database that is away, or slow.
 * @param work may have been done although it fails: twice must be as good as once
 * @throws whatever the last attempt throws
 */
export async function retryPassing<T>(work: () => Promise<T>, { forMs, signal, nowMs }: RetryOptions): Promise<T> {
  let deadline: number | undefined
  for (;;) {
    try {
      return await work()
    } catch (error) {
      deadline ??= nowMs() + forMs
      if (!isPassing(error) || signal.aborted || nowMs() >= deadline) throw error
      await wait(DELAY_MS, undefined, { signal }).catch(() => {
        throw error
      })
    }
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof AppError && PASSING_CODES.includes(error.code)
}
