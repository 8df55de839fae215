import { withTimeLimit } from '../lib/time-limit.ts'

/** Commands to a Redis that may be gone, slow or paused. */
export interface RedisGuard {
  /** It did not answer when it was last asked. */
  readonly isDown: boolean
  /**
   * Sends commands and answers what they answer; undefined where Redis does not answer in time, or is not asked because
   * it did not a moment ago. What Redis itself refuses counts as no answer too.
   */
  ask<T>(send: () => Promise<T>): Promise<T | undefined>
}

interface RedisGuardOptions {
  /** Longest wait for an answer. */
  budgetMs: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** Told of every failure. */
  onDown: (error: Error) => void
  /** Told of every success. */
  onUp: () => void
}

/** After a failure Redis is left alone for so long; then one command tries it, and the others still do without. */
const RETRY_AFTER_MS = 500

/** Makes sure that nothing waits for Redis longer than a budget, and that few wait at all while it is away. */
export function createRedisGuard({ budgetMs, nowMs, onDown, onUp }: RedisGuardOptions): RedisGuard {
  let isDown = false
  let retryAtMs = 0

  function succeed() {
    isDown = false
    onUp()
  }

  function fail(error: Error) {
    isDown = true
    retryAtMs = nowMs() + RETRY_AFTER_MS
    onDown(error)
  }

  return {
    get isDown() {
      return isDown
    },

    async ask(send) {
      if (isDown && nowMs() < retryAtMs) return undefined
      // Whoever comes while this one tries goes without.
      if (isDown) retryAtMs = nowMs() + budgetMs + RETRY_AFTER_MS

      const late = () => {
        throw new Error(`no answer within ${budgetMs} ms`)
      }
      try {
        const answer = await withTimeLimit(send(), budgetMs, late)
        succeed()
        return answer
      } catch (error) {
        fail(error as Error)
        return undefined
      }
    }
  }
}
