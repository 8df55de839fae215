import type { Decision, Limiter } from './limiter.ts'

type Callback = (error: null, result: { current: number; ttl: number }) => void

/** What @fastify/rate-limit makes of the result of its store. */
type CheckResult = { isAllowed: true } | { isAllowed: false; isExceeded: boolean; remaining: number; ttl: number }

/**
 * Creates a store for @fastify/rate-limit with which the limiter decides. `toDecision` reads its decisions back from the
 * results of the package.
 */
export function createRateLimitStore(limiter: Limiter) {
  return class RateLimitStore {
    child() {
      return this
    }

    incr(client: string, callback: Callback, windowMs: number, max: number): void {
      const report = ({ isAdmitted, remaining, resetMs }: Decision) =>
        callback(null, { current: isAdmitted ? max - remaining : max + 1, ttl: resetMs })
      limiter.decide(client, { max, windowMs }).then(report)
    }
  }
}

/**
 * Converts a result of @fastify/rate-limit back into the decision of the limiter.
 * @param isDegraded whether Redis did not answer, which the package's results cannot express
 */
export function toDecision(result: CheckResult, isDegraded: boolean): Decision {
  if (result.isAllowed) throw new Error('@fastify/rate-limit exempted a client')
  return { isAdmitted: !result.isExceeded, remaining: result.remaining, resetMs: result.ttl, isDegraded }
}
