import { AppError } from '../../platform/errors/app-error.ts'
import type { ChangeIndex } from '../change-log/change-index.ts'

/** Of one instance. Each is a connection and some kilobytes. */
const MAX_WAITERS = 1000
const RETRY_AFTER_SECONDS = 5

/** Those who wait for the log to go on. They are woken by its tail, which asks MySQL once for all of them. */
export interface ChangeWaiters {
  /** How many wait now. */
  readonly count: number
  /**
   * Waits until the log is known to go on after a number, or to be another one.
   * @param signal ends the wait
   * @returns whether there is something to read
   * @throws {AppError} `overloaded` when there are too many already
   */
  wait(seq: number, timeoutMs: number, signal: AbortSignal): Promise<boolean>
  /** Ends all waits, and from now on each at once. */
  close(): void
}

export function createChangeWaiters(
  changeIndex: Pick<ChangeIndex, 'version' | 'onChanged'>,
  maxWaiters = MAX_WAITERS
): ChangeWaiters {
  /** With the number that each waits after. */
  const waiting = new Map<(isWoken: boolean) => void, number>()
  let isClosed = false

  const isPast = (seq: number) => changeIndex.version !== null && changeIndex.version > seq

  changeIndex.onChanged((productIds) => {
    const isAnother = productIds === null
    for (const [end, seq] of waiting) if (isAnother || isPast(seq)) end(true)
  })

  return {
    get count() {
      return waiting.size
    },

    async wait(seq, timeoutMs, signal) {
      if (isPast(seq)) return true
      if (isClosed || signal.aborted) return false
      if (waiting.size >= maxWaiters) throw tooManyWaiters()
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const giveUp = () => end(false)
      const timer = setTimeout(giveUp, timeoutMs)
      function end(isWoken: boolean) {
        waiting.delete(end)
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        resolve(isWoken)
      }
      signal.addEventListener('abort', giveUp)
      waiting.set(end, seq)
      return await promise
    },

    close() {
      isClosed = true
      for (const end of waiting.keys()) end(false)
    }
  }
}

function tooManyWaiters(): AppError {
  return new AppError('overloaded', 'Too many clients wait for changes. Ask without `wait`, or later.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS
  })
}
