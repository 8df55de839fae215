import { type StartTimeout, withTimeLimit } from '../lib/time-limit.ts'

/** Sends commands to a Redis that may be away, slow or paused. */
export interface RedisGuard {
  /** Whether the last command failed. */
  readonly isDown: boolean
  /**
   * Sends commands to Redis.
   * @returns the reply; undefined when Redis does not reply in time, replies with an error, or is not asked because it
   * failed a moment ago
   */
  ask<T>(send: () => Promise<T>): Promise<T | undefined>
}

interface RedisGuardOptions {
  /** Longest wait for a reply. */
  budgetMs: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** Called after every failure. */
  onDown: (error: Error) => void
  /** Called after every success. */
  onUp: () => void
  /** Starts the time limit of a command. */
  start?: StartTimeout
}

/** Time without commands after a failure. Then one command tries Redis, while the others still do without. */
const RETRY_AFTER_MS = 500

/** Makes a guard: no call waits for Redis longer than a budget, and few calls wait at all while Redis is away. */
export function createRedisGuard(options: RedisGuardOptions): RedisGuard {
  const { budgetMs, nowMs, onDown, onUp, start } = options
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
      // Calls that come while this one tries do without Redis.
      if (isDown) retryAtMs = nowMs() + budgetMs + RETRY_AFTER_MS

      const late = () => {
        throw new Error(`no answer within ${budgetMs} ms`)
      }
      try {
        const answer = await withTimeLimit(send(), budgetMs, late, start)
        succeed()
        return answer
      } catch (error) {
        fail(error as Error)
        return undefined
      }
    }
  }
}
