import type { Decision, Limiter } from './limiter.ts'

type Callback = (error: null, result: { current: number; ttl: number }) => void

/**
 * A store for @fastify/rate-limit that has a limiter decide. Rate limits of the same key count together: whatever is to
 * be counted apart has other keys.
 */
export function createRateLimitStore(limiter: Limiter) {
  return class RateLimitStore {
    child() {
      return this
    }

    incr(key: string, callback: Callback, windowMs: number, max: number): void {
      const answer = ({ isAdmitted, remaining, resetMs }: Decision) =>
        callback(null, { current: isAdmitted ? max - remaining : max + 1, ttl: resetMs })
      limiter.decide(key, { max, windowMs }).then(answer)
    }
  }
}
