import { MAX_CHANGE_WAITERS } from '../../config/limits.ts'
import { overloaded } from '../../platform/errors/app-error.ts'
import type { ChangeIndex } from '../change-log/change-index.ts'

const RETRY_AFTER_SECONDS = 5

/** Requests that wait for the next change. The tail of the log wakes them, so that waiting costs no query each. */
export interface ChangeWaiters {
  /** The number of requests that wait now. */
  readonly count: number
  /**
   * Waits until the log has a row after a number, or was replaced by another log.
   * @param signal ends the wait
   * @returns whether there is something to read; false after the timeout, an abort, or `close`
   * @throws {AppError} `overloaded` when too many wait already
   */
  wait(seq: number, timeoutMs: number, signal: AbortSignal): Promise<boolean>
  /** Ends all waits. From now on `wait` returns at once. */
  close(): void
}

/**
 * Creates the list of waiting requests, which listens to an index of changes.
 * @param maxWaiters how many may wait at the same time
 */
export function createChangeWaiters(
  changeIndex: Pick<ChangeIndex, 'version' | 'onChanged'>,
  maxWaiters = MAX_CHANGE_WAITERS
): ChangeWaiters {
  /** By how to end it, each wait with the number whose successor it waits for. */
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
      if (waiting.size >= maxWaiters)
        throw overloaded('Too many clients wait for changes. Ask without `wait`, or later.', RETRY_AFTER_SECONDS)
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
