import { AppError } from '../../platform/errors/app-error.ts'
import { createHeaderBlock, type HeaderBlock } from '../../platform/http/header-fields.ts'
import type { Decision, Limit } from './limiter.ts'

/** A named rate limit: what draft-ietf-httpapi-ratelimit-headers-11 calls a quota policy. */
export interface Policy extends Limit {
  readonly name: string
  /** The header fields that describe the policy. */
  readonly headers: HeaderBlock
}

/** What was decided for a request, under which policy. */
export interface Quota {
  readonly policy: Policy
  readonly decision: Decision
}

/** Creates a policy. */
export function createPolicy(name: string, { max, windowMs }: Limit): Policy {
  const description = `"${name}";q=${max};w=${toSeconds(windowMs)}`
  return {
    ...{ name, max, windowMs },
    headers: createHeaderBlock(['x-ratelimit-limit', String(max), 'ratelimit-policy', description])
  }
}

/**
 * Adds the header fields that tell a client its quota, beside those of the policy: `RateLimit` as in
 * draft-ietf-httpapi-ratelimit-headers-11, and the older `X-RateLimit-*` with the same numbers. Times are seconds from now,
 * rounded up. `X-RateLimit-Scope: instance` means that this instance counts alone.
 */
export function addQuotaFields(fields: string[], { policy, decision }: Quota): void {
  const remaining = String(decision.remaining)
  const seconds = String(toSeconds(decision.resetMs))
  fields.push('x-ratelimit-remaining', remaining, 'x-ratelimit-reset', seconds)
  fields.push('ratelimit', `"${policy.name}";r=${remaining};t=${seconds}`)
  if (decision.isDegraded) fields.push('x-ratelimit-scope', 'instance')
}

/** Creates the 429 for a refused request. A client that waits as long as it says, and sends nothing else, is admitted. */
export function quotaExceeded({ policy, decision }: Quota): AppError {
  const seconds = Math.max(1, toSeconds(decision.resetMs))
  const detail = `At most ${policy.max} requests are served in ${toSeconds(policy.windowMs)} s. Try again in ${seconds} s.`
  return new AppError('quota-exceeded', detail, { retryAfterSeconds: seconds, violatedPolicies: [policy.name] })
}

/** Rounds up to seconds. Less than a microsecond is ignored: it is an error of floating-point arithmetic. */
function toSeconds(ms: number): number {
  return Math.ceil(Math.round(ms * 1000) / 1_000_000)
}
