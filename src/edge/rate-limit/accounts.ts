import { isIP } from 'node:net'
import { KEY_LOOKUPS_PER_MINUTE } from '../../config/limits.ts'
import type { Limit } from './limiter.ts'
import { createPolicy, type Policy } from './quota.ts'

/** What is counted apart: a client that has used up one of these still has the others. */
export type RouteClass = keyof typeof SHARES | 'key-lookup'

/** For whom a request is counted, and what he may. */
export interface Account {
  /** The class, and who it is: an API key or an address. */
  readonly client: string
  readonly policy: Policy
}

type Accounts = Readonly<Record<RouteClass, Account>>

/** How many times the limit of a client. The events of many shops come from one address: that of their provider. */
const SHARES = { list: 1, write: 1, webhook: 10, docs: 1, other: 1 }
/** For keys that nobody knows here, whatever the limit: each is a statement. */
const KEY_LOOKUPS: Limit = { max: KEY_LOOKUPS_PER_MINUTE, windowMs: 60_000 }
const ROUTE_CLASSES = [...Object.keys(SHARES), 'key-lookup'] as RouteClass[]
const MAX_REMEMBERED = 10_000

/** What an API key has to do with limits. */
interface KeyHolder {
  readonly id: string
  /** Its own limit, if it has one. */
  readonly limit: Limit | null
}

interface AccountsOptions {
  /** Of all who do not have their own. */
  limit: Limit
  /** The form in which addresses are counted: IPv6 by its network, what stands for IPv4 as that. */
  normalizeIP: (ip: string) => string
}

/** Finds the accounts of a client: of its API key, which must be known to be valid, or else of its address. */
export function createClientAccounts({ limit, normalizeIP }: AccountsOptions) {
  const policies = eachClass((name) => policyOf(name, limit))
  const ofAddresses = new Map<string, Accounts>()
  const ofKeys = new WeakMap<KeyHolder, Accounts>()

  function ofAddress(ip: string): Accounts {
    const known = ofAddresses.get(ip)
    if (known !== undefined) return known
    const address = readAddress(ip)
    const who = address === undefined ? 'unknown' : `ip:${normalizeIP(address)}`
    const accounts = eachClass((name) => ({ client: `${name}:${who}`, policy: policies[name] }))
    if (ofAddresses.size >= MAX_REMEMBERED) ofAddresses.clear()
    if (address !== undefined) ofAddresses.set(ip, accounts)
    return accounts
  }

  function ofKey(apiKey: KeyHolder): Accounts {
    const known = ofKeys.get(apiKey)
    if (known !== undefined) return known
    const own = apiKey.limit
    const accounts = eachClass((name) => ({
      client: `${name}:key:${apiKey.id}`,
      policy: own === null ? policies[name] : policyOf(name, own)
    }))
    ofKeys.set(apiKey, accounts)
    return accounts
  }

  return (apiKey: KeyHolder | null, ip: string): Accounts => (apiKey === null ? ofAddress(ip) : ofKey(apiKey))
}

/** Some proxies add the port of their client. Whatever else is no address counts as one client. */
function readAddress(text: string): string | undefined {
  if (isIP(text) !== 0) return text
  const [, host = ''] = /^\[?([^\]]{1,45})\]?:[0-9]{1,5}$/.exec(text) ?? []
  return isIP(host) === 0 ? undefined : host
}

function eachClass<T>(make: (name: RouteClass) => T): Record<RouteClass, T> {
  return Object.fromEntries(ROUTE_CLASSES.map((name) => [name, make(name)])) as Record<RouteClass, T>
}

function policyOf(name: RouteClass, { max, windowMs }: Limit): Policy {
  if (name === 'key-lookup') return createPolicy(name, KEY_LOOKUPS)
  return createPolicy(name, { max: max * SHARES[name], windowMs })
}
