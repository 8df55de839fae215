import type { Redis, Result } from 'ioredis'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import type { CachedResponse } from './cached-response.ts'
import { decodeResponse, encodeResponse } from './response-codec.ts'

/** What Redis knows of an answer. */
export type Lookup =
  /** It holds, and was read so long ago, at that version. */
  | { state: 'found'; answer: CachedResponse; version: number; ageMs: number }
  /** Nobody has it: load it. `startedAtMs` is the time of Redis. */
  | { state: 'claimed'; startedAtMs: number }
  /** Somebody else is loading it. */
  | { state: 'busy' }
  /** Redis does not answer. */
  | { state: 'unavailable' }

/** The answers that all instances share, in Redis, and the leases under which they are loaded. */
export interface RedisCache {
  /**
   * Asks for an answer, and claims its loading where there is none that holds.
   */
  lookup(key: string, terms: Validity): Promise<Lookup>
  /** Any answer to the key, however old. */
  peek(key: string): Promise<{ answer: CachedResponse; version: number } | undefined>
  /** Keeps a loaded answer, unless there is a newer one, and lets go of the claim. */
  store(key: string, loaded: LoadedResponse): Promise<void>
  /** Lets go of the claim: nothing could be loaded. */
  release(key: string): Promise<void>
}

/** When an answer holds. */
export interface Validity {
  /** Up to this age at any version. */
  anyVersionMs: number
  /** From this version on up to the last one that is known, up to this age; null: at no version. */
  validFrom: number | null
  knownVersion: number | null
  ttlMs: number
}

export interface LoadedResponse {
  answer: CachedResponse
  /** Of the change log, known before the loading began. */
  version: number
  /** The time of Redis before the loading began. */
  startedAtMs: number
  /** Kept for so long, to be of use while nothing can be loaded. */
  keepMs: number
}

interface SharedAnswersOptions {
  client: Redis
  guard: RedisGuard
  /** Names this instance as the holder of leases. */
  instanceId: string
}

/** Longer than almost every loading; whoever still loads then is not waited for. */
export const LEASE_MS = 500

/**
 * An answer is a hash: version, time of loading, bytes. Its key and that of its lease share a hash tag.
 *
 * By their first line the scripts are refused as a whole while Redis takes no writes: it is either there or not, and
 * not there for some keys only.
 *
 * A lease of this instance is one whose claim got lost on the way: nobody here is loading under it. One without an end
 * is not one of ours.
 */
const LOOKUP = `#!lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entry = redis.call('HMGET', KEYS[1], 'version', 'startedAt')
local version, startedAt = tonumber(entry[1]), tonumber(entry[2])
if version and startedAt then
  local age, validFrom = now - startedAt, tonumber(ARGV[2])
  local holds = validFrom and version >= validFrom and version <= tonumber(ARGV[6]) and age < tonumber(ARGV[3])
  if age >= 0 and (holds or age < tonumber(ARGV[1])) then
    return { 'found', version, age, redis.call('HGET', KEYS[1], 'bytes') }
  end
end
if redis.call('SET', KEYS[2], ARGV[4], 'NX', 'PX', ARGV[5]) then return { 'claimed', now } end
local left = redis.call('PTTL', KEYS[2])
local isForeign = left < 0 or left > tonumber(ARGV[5])
if isForeign or redis.call('GET', KEYS[2]) == ARGV[4] then
  redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
  return { 'claimed', now }
end
return { 'busy' }`

/** Of two answers the newer one is the one whose loading began later; none begins in the future. */
const STORE = `#!lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local present = tonumber(redis.call('HGET', KEYS[1], 'startedAt'))
if not (present and present > tonumber(ARGV[3]) and present <= now) then
  redis.call('HSET', KEYS[1], 'version', ARGV[2], 'startedAt', ARGV[3], 'bytes', ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end`

const RELEASE = `#!lua
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    answerLookupBuffer(
      ...args: [
        answerKey: string,
        leaseKey: string,
        anyVersionMs: number,
        validFrom: number | '',
        ttlMs: number,
        holder: string,
        leaseMs: number,
        knownVersion: number
      ]
    ): Result<LookupReply, Context>
    answerStore(
      ...args: [
        answerKey: string,
        leaseKey: string,
        holder: string,
        version: number,
        startedAtMs: number,
        keepMs: number,
        bytes: Buffer
      ]
    ): Result<null, Context>
    answerRelease(leaseKey: string, holder: string): Result<null, Context>
  }
}

type LookupReply = [state: Buffer, first: number, second: number, bytes: Buffer | null]

export function createRedisCache({ client, guard, instanceId }: SharedAnswersOptions): RedisCache {
  client.defineCommand('answerLookup', { numberOfKeys: 2, lua: LOOKUP })
  client.defineCommand('answerStore', { numberOfKeys: 2, lua: STORE })
  client.defineCommand('answerRelease', { numberOfKeys: 1, lua: RELEASE })

  async function lookup(key: string, terms: Validity): Promise<Lookup> {
    const { anyVersionMs, validFrom, knownVersion, ttlMs } = terms
    const reply = await guard.ask(() =>
      orPoisoned(
        client.answerLookupBuffer(
          answerKey(key),
          leaseKey(key),
          anyVersionMs,
          validFrom ?? '',
          ttlMs,
          instanceId,
          LEASE_MS,
          knownVersion ?? 0
        )
      )
    )
    if (reply === undefined) return { state: 'unavailable' }
    if (reply === POISONED) return await discard(key, terms)
    const [state, first, ageMs, bytes] = reply
    switch (state.toString()) {
      case 'claimed':
        return { state: 'claimed', startedAtMs: first }
      case 'busy':
        return { state: 'busy' }
    }
    const answer = bytes && decodeResponse(key, first, bytes)
    return answer ? { state: 'found', answer, version: first, ageMs } : await discard(key, terms)
  }

  /** What is there was not written by us, or is damaged. */
  async function discard(key: string, terms: Validity): Promise<Lookup> {
    const removed = await guard.ask(() => client.unlink(answerKey(key), leaseKey(key)))
    return removed === undefined ? { state: 'unavailable' } : await lookup(key, terms)
  }

  return {
    lookup,

    async peek(key) {
      const reply = await guard.ask(() => orPoisoned(client.hmgetBuffer(answerKey(key), 'version', 'bytes')))
      if (reply === undefined || reply === POISONED) return undefined
      const [version, bytes] = reply
      if (!version || !bytes) return undefined
      const answer = decodeResponse(key, Number(version), bytes)
      return answer && { answer, version: Number(version) }
    },

    async store(key, { answer, version, startedAtMs, keepMs }) {
      const bytes = encodeResponse(key, version, answer)
      await guard.ask(() =>
        client.answerStore(answerKey(key), leaseKey(key), instanceId, version, startedAtMs, keepMs, bytes)
      )
    },

    async release(key) {
      await guard.ask(() => client.answerRelease(leaseKey(key), instanceId))
    }
  }
}

const POISONED = Symbol('poisoned')

/** Another type of value under our key is no fault of Redis. */
async function orPoisoned<T>(reply: Promise<T>): Promise<T | typeof POISONED> {
  try {
    return await reply
  } catch (error) {
    if (error instanceof Error && error.message.includes('WRONGTYPE')) return POISONED
    throw error
  }
}

function answerKey(key: string): string {
  return `answer:{${key}}`
}

function leaseKey(key: string): string {
  return `lease:{${key}}`
}
