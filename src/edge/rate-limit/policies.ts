import { isIP } from 'node:net'
import { KEY_LOOKUPS_PER_MINUTE } from '../../config/limits.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { createHeaderBlock, type HeaderBlock } from '../../platform/http/header-fields.ts'
import { createBoundedMap } from '../../platform/lib/bounded-map.ts'
import type { Decision, Limit } from './limiter.ts'

/** A class of requests that is counted by itself: a client that has used up one class still has the others. */
export type RouteClass = keyof typeof SHARES | 'key-lookup'

/** A named rate limit: what draft-ietf-httpapi-ratelimit-headers-11 calls a quota policy. */
export interface Policy extends Limit {
  readonly name: string
  /** The header fields that describe the policy. */
  readonly headers: HeaderBlock
}

/** Who a request is counted for, and under which policy. */
export interface Account {
  /** The class of the request, and its API key or address. */
  readonly client: string
  readonly policy: Policy
}

/** The accounts of a client, by class. */
export type Accounts = Readonly<Record<RouteClass, Account>>

/** What was decided for a request, under which policy. */
export interface Quota {
  readonly policy: Policy
  readonly decision: Decision
}

/** The part of an API key that its rate limit depends on. */
interface KeyHolder {
  readonly id: string
  /** The key's own limit, if it has one. */
  readonly limit: Limit | null
}

interface AccountsOptions {
  /** The limit of all clients that have none of their own. */
  limit: Limit
  /** Normalises an address for counting: IPv6 by its network, IPv4 in IPv6 as IPv4. */
  normalizeIP: (ip: string) => string
}

/** How many times its limit a client has in each class. One address sends the webhooks of many shops: their provider's. */
const SHARES = { list: 1, write: 1, webhook: 10, docs: 1, other: 1 }
/** The limit for looking up keys that are unknown here, each of which is a statement. */
const KEY_LOOKUPS: Limit = { max: KEY_LOOKUPS_PER_MINUTE, windowMs: 60_000 }
const ROUTE_CLASSES = [...Object.keys(SHARES), 'key-lookup'] as RouteClass[]
const MAX_REMEMBERED = 10_000

/**
 * Creates the function that finds the accounts of a client: of its API key, which must be valid, or else of its address.
 */
export function createAccounts({ limit, normalizeIP }: AccountsOptions) {
  const policies = eachClass((name) => policyOf(name, limit))
  const byAddress = createBoundedMap<string, Accounts>(MAX_REMEMBERED)
  const byKey = new WeakMap<KeyHolder, Accounts>()

  function ofAddress(ip: string): Accounts {
    const known = byAddress.get(ip)
    if (known !== undefined) return known
    const address = readAddress(ip)
    const who = address === undefined ? 'unknown' : `ip:${normalizeIP(address)}`
    const accounts = eachClass((name) => ({ client: `${name}:${who}`, policy: policies[name] }))
    if (address !== undefined) byAddress.set(ip, accounts)
    return accounts
  }

  function ofKey(apiKey: KeyHolder): Accounts {
    const known = byKey.get(apiKey)
    if (known !== undefined) return known
    const own = apiKey.limit
    const accounts = eachClass((name) => ({
      client: `${name}:key:${apiKey.id}`,
      policy: own === null ? policies[name] : policyOf(name, own)
    }))
    byKey.set(apiKey, accounts)
    return accounts
  }

  return (apiKey: KeyHolder | null, ip: string): Accounts => (apiKey === null ? ofAddress(ip) : ofKey(apiKey))
}

/** Reads an address, to which some proxies add the port of their client. Anything else counts as one client. */
function readAddress(text: string): string | undefined {
  if (isIP(text) !== 0) return text
  const [, host = ''] = /^\[?([^\]]{1,45})\]?:[0-9]{1,5}$/.exec(text) ?? []
  return isIP(host) === 0 ? undefined : host
}

function eachClass<T>(make: (name: RouteClass) => T): Record<RouteClass, T> {
  return Object.fromEntries(ROUTE_CLASSES.map((name) => [name, make(name)])) as Record<RouteClass, T>
}

function policyOf(name: RouteClass, own: Limit): Policy {
  const { max, windowMs } = name === 'key-lookup' ? KEY_LOOKUPS : { ...own, max: own.max * SHARES[name] }
  const description = `"${name}";q=${max};w=${toSeconds(windowMs)}`
  const headers = createHeaderBlock(['x-ratelimit-limit', String(max), 'ratelimit-policy', description])
  return { name, max, windowMs, headers }
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
