import { AppError } from '../../platform/errors/app-error.ts'
import type { Decision, Limit } from './limiter.ts'

/** A limit as clients are told of it. */
export interface Policy extends Limit {
  readonly name: string
  /** The header fields that say so, as they are sent. */
  readonly lines: string
}

/** What a request has taken from its client's share, or has not. */
export interface Quota {
  readonly policy: Policy
  readonly decision: Decision
}

export function toPolicy(name: string, { max, windowMs }: Limit): Policy {
  const lines = `x-ratelimit-limit: ${max}\r\nratelimit-policy: "${name}";q=${max};w=${toSeconds(windowMs)}\r\n`
  return { name, max, windowMs, lines }
}

/**
 * The header fields that tell a client its quota, as they are sent: `RateLimit-Policy` and `RateLimit` as in
 * draft-ietf-httpapi-ratelimit-headers-11, and the older `X-RateLimit-*` with the same numbers. Times are seconds from
 * now, rounded up. `X-RateLimit-Scope: instance` where this instance counts alone.
 */
export function quotaLines({ policy, decision }: Quota): string {
  const { name, lines } = policy
  const remaining = String(decision.remaining)
  const seconds = String(toSeconds(decision.resetMs))
  const current = `x-ratelimit-remaining: ${remaining}\r\nx-ratelimit-reset: ${seconds}\r\nratelimit: "${name}";r=${remaining};t=${seconds}\r\n`
  return decision.isDegraded ? `${lines}${current}x-ratelimit-scope: instance\r\n` : lines + current
}

/** The 429 of a request that was not admitted. Whoever waits as long as it says, and sends nothing else, is admitted. */
export function quotaExceeded({ policy, decision }: Quota): AppError {
  const seconds = Math.max(1, toSeconds(decision.resetMs))
  const detail = `At most ${policy.max} requests are served in ${toSeconds(policy.windowMs)} s. Try again in ${seconds} s.`
  return new AppError('quota-exceeded', detail, { retryAfterSeconds: seconds, violatedPolicies: [policy.name] })
}

/** Rounded up, but for what is less than a microsecond: that comes from reckoning with fractions. */
function toSeconds(ms: number): number {
  return Math.ceil(Math.round(ms * 1000) / 1_000_000)
}
