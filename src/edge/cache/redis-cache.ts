import { createHash } from 'node:crypto'
import type { Redis, Result } from 'ioredis'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import type { CachedResponse } from './cached-response.ts'

/** The result of a look-up in Redis. */
export type Lookup =
  /** There is a valid response, which was loaded this long ago, at that version. */
  | { state: 'found'; response: CachedResponse; version: number; ageMs: number }
  /** There is none: the caller now holds the lease, and has to load it. `startedAtMs` is the time of Redis. */
  | { state: 'claimed'; startedAtMs: number }
  /** Another instance holds the lease. */
  | { state: 'busy' }
  /** Redis does not answer. */
  | { state: 'unavailable' }

/** The responses that all instances share, in Redis, and the leases under which they are loaded. */
export interface RedisCache {
  /** Looks up a response. If there is no valid one, claims the lease for loading it. */
  lookup(key: string, validity: Validity): Promise<Lookup>
  /** Returns the response of a key, however old. */
  peek(key: string): Promise<{ response: CachedResponse; version: number } | undefined>
  /** Stores a loaded response, unless there is a newer one, and releases the lease. */
  store(key: string, loaded: LoadedResponse): Promise<void>
  /** Releases the lease after a load has failed. */
  release(key: string): Promise<void>
}

/** When a response in Redis is valid: one of the two rules is enough. */
export interface Validity {
  /** The first rule: it is younger than this, whatever its version. */
  anyVersionMs: number
  /** The second rule: its version is between `validFrom` (null: there is none) and `knownVersion`, and it is younger than `ttlMs`. */
  validFrom: number | null
  knownVersion: number | null
  ttlMs: number
}

/** A response that was loaded from the database. */
export interface LoadedResponse {
  response: CachedResponse
  /** The version of the change log that was known before loading began. */
  version: number
  /** The time of Redis before loading began. */
  startedAtMs: number
  /** How long Redis keeps it: longer than it is valid, in case nothing can be loaded. */
  keepMs: number
}

interface RedisCacheOptions {
  client: Redis
  guard: RedisGuard
  /** Names this instance as the holder of leases. */
  instanceId: string
}

/** How long a lease lasts: longer than almost every load. A load that takes longer is not waited for. */
export const LEASE_MS = 500

/**
 * A response is a hash: version, time of loading, bytes. Its key and that of its lease share a hash tag.
 *
 * Because of their first line, Redis refuses the whole scripts while it takes no writes: it is then unavailable for all
 * keys, and not only for those that are missing.
 *
 * If a lease names this instance, the answer to its claim was lost on the way: nothing is loaded under it. A lease without
 * an end was not written here.
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

/** Of two responses the newer one is the one whose load began later. A load never begins in the future. */
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
    lookUpResponseBuffer(
      ...args: [
        key: string,
        leaseKey: string,
        anyVersionMs: number,
        validFrom: number | '',
        ttlMs: number,
        holder: string,
        leaseMs: number,
        knownVersion: number
      ]
    ): Result<LookupReply, Context>
    storeResponse(
      ...args: [
        key: string,
        leaseKey: string,
        holder: string,
        version: number,
        startedAtMs: number,
        keepMs: number,
        bytes: Buffer
      ]
    ): Result<null, Context>
    releaseLease(leaseKey: string, holder: string): Result<null, Context>
  }
}

type LookupReply = [state: Buffer, first: number, second: number, bytes: Buffer | null]

/** Creates the cache in Redis. */
export function createRedisCache({ client, guard, instanceId }: RedisCacheOptions): RedisCache {
  client.defineCommand('lookUpResponse', { numberOfKeys: 2, lua: LOOKUP })
  client.defineCommand('storeResponse', { numberOfKeys: 2, lua: STORE })
  client.defineCommand('releaseLease', { numberOfKeys: 1, lua: RELEASE })

  async function lookup(key: string, validity: Validity): Promise<Lookup> {
    const { anyVersionMs, validFrom, knownVersion, ttlMs } = validity
    const reply = await guard.ask(() =>
      orPoisoned(
        client.lookUpResponseBuffer(
          responseKey(key),
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
    if (reply === POISONED) return await discard(key, validity)
    const [state, first, ageMs, bytes] = reply
    switch (state.toString()) {
      case 'claimed':
        return { state: 'claimed', startedAtMs: first }
      case 'busy':
        return { state: 'busy' }
    }
    const response = bytes && decodeResponse(key, first, bytes)
    return response ? { state: 'found', response, version: first, ageMs } : await discard(key, validity)
  }

  /** Deletes a value that was not written here, or is damaged, and tries again. */
  async function discard(key: string, validity: Validity): Promise<Lookup> {
    const removed = await guard.ask(() => client.unlink(responseKey(key), leaseKey(key)))
    return removed === undefined ? { state: 'unavailable' } : await lookup(key, validity)
  }

  return {
    lookup,

    async peek(key) {
      const reply = await guard.ask(() => orPoisoned(client.hmgetBuffer(responseKey(key), 'version', 'bytes')))
      if (reply === undefined || reply === POISONED) return undefined
      const [version, bytes] = reply
      if (!version || !bytes) return undefined
      const response = decodeResponse(key, Number(version), bytes)
      return response && { response, version: Number(version) }
    },

    async store(key, { response, version, startedAtMs, keepMs }) {
      const bytes = encodeResponse(key, version, response)
      await guard.ask(() =>
        client.storeResponse(responseKey(key), leaseKey(key), instanceId, version, startedAtMs, keepMs, bytes)
      )
    },

    async release(key) {
      await guard.ask(() => client.releaseLease(leaseKey(key), instanceId))
    }
  }
}

const POISONED = Symbol('poisoned')

/** A value of another type under our key does not mean that Redis is down. */
async function orPoisoned<T>(reply: Promise<T>): Promise<T | typeof POISONED> {
  try {
    return await reply
  } catch (error) {
    if (error instanceof Error && error.message.includes('WRONGTYPE')) return POISONED
    throw error
  }
}

// The name is that of earlier releases, which may run beside this one during an upgrade.
function responseKey(key: string): string {
  return `answer:{${key}}`
}

function leaseKey(key: string): string {
  return `lease:{${key}}`
}

/*
 * Responses as Redis keeps them, where others may write too:
 *
 *     checksum 16 | length of the head 4 | head, JSON | body
 *
 * The checksum covers the key and the version as well, so a value that was damaged, cut off, or moved is detected.
 */
const CHECKSUM_LENGTH = 16
const HEAD_AT = CHECKSUM_LENGTH + 4

/**
 * Encodes a response for Redis.
 * @internal
 */
export function encodeResponse(key: string, version: number, { body, ...head }: CachedResponse): Buffer {
  const headBytes = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(headBytes.length)
  const payload = Buffer.concat([length, headBytes, body])
  return Buffer.concat([checksum(key, version, payload), payload])
}

/**
 * Decodes a response from Redis.
 * @returns undefined unless these are the bytes that were written for this key and version
 * @internal
 */
export function decodeResponse(key: string, version: number, bytes: Buffer): CachedResponse | undefined {
  const payload = bytes.subarray(CHECKSUM_LENGTH)
  if (!checksum(key, version, payload).equals(bytes.subarray(0, CHECKSUM_LENGTH))) return undefined
  const bodyAt = HEAD_AT + bytes.readUInt32BE(CHECKSUM_LENGTH)
  // A copy: a part of what was read from the connection would keep all of that in memory.
  const body = Buffer.allocUnsafeSlow(bytes.length - bodyAt)
  bytes.copy(body, 0, bodyAt)
  return { ...JSON.parse(bytes.toString('utf8', HEAD_AT, bodyAt)), body }
}

function checksum(key: string, version: number, payload: Buffer): Buffer {
  const hash = createHash('sha256').update(`${key} ${version} `).update(payload).digest()
  return hash.subarray(0, CHECKSUM_LENGTH)
}
