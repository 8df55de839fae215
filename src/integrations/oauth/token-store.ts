import type { Redis, Result } from 'ioredis'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import type { TokenFailure } from './token-error.ts'
import type { TokenSeal } from './token-seal.ts'

/** A token as instances share it. */
export interface SharedToken {
  value: string
  id: string
  /** For how long it was of use in all, and for how long it still is. */
  usefulMs: number
  leftMs: number
}

/** What Redis knows of a token. */
export type LockClaim =
  | { state: 'found'; token: SharedToken }
  /** There is none, and it is for this one to fetch it. */
  | { state: 'claimed'; fence: string }
  /** Somebody else is fetching it. */
  | { state: 'busy' }
  /** Somebody has tried a moment ago, in vain: the provider is to be left alone for so long. */
  | { state: 'failed'; kind: TokenFailure; leftMs: number }
  /** Redis does not answer. */
  | { state: 'unavailable' }

/** The token that all instances share, in Redis, and the lock under which it is fetched. */
export interface TokenStore {
  /**
   * Looks for a token, and takes the lock where there is none.
   * @param owner a new name for whoever takes the lock
   * @param unwanted ids of tokens that are as good as none
   */
  claim(owner: string, unwanted: readonly [string, string]): Promise<LockClaim>
  /**
   * Shares a token and lets go of the lock, unless somebody has taken the lock since: then it answers the token that
   * is there, if any.
   * @param fence of the claim; undefined where its answer got lost
   */
  put(owner: string, fence: string | undefined, token: SharedToken): Promise<SharedToken | undefined>
  /** Has all instances leave the provider alone for a while, and lets go of the lock, if that is still held. */
  fail(owner: string, kind: TokenFailure, forMs: number): Promise<void>
  /** Drops the token of this id, and no other. */
  drop(id: string): Promise<void>
}

interface TokenStoreOptions {
  client: Redis
  guard: RedisGuard
  seal: TokenSeal
  /** How long a lock is held by whoever does not come back. */
  lockMs: number
}

/** Longer than any token, and than any pause of a process that is worth a thought. */
const FENCE_TTL_MS = 7 * 86_400_000

/**
 * Four keys with one hash tag: the token (a hash: id, sealed text, useful life), the lock (its owner), the fence (the number
 * of the last lock), and the last failure. Redis ends what has come to its end: no clock of an instance counts.
 *
 * Fences grow even when Redis has lost the last one, as they are never less than its clock. By their first line the
 * scripts are refused as a whole while Redis takes no writes.
 */
const CLAIM = `#!lua
local id = redis.pcall('HGET', KEYS[1], 'id')
if type(id) == 'table' then redis.call('DEL', KEYS[1]) id = false end
local left = redis.call('PTTL', KEYS[1])
if id and id ~= ARGV[3] and id ~= ARGV[4] and left > 0 then
  local token = redis.call('HMGET', KEYS[1], 'sealed', 'usefulMs')
  return { 'found', token[1], token[2], left }
end
local kind = redis.call('GET', KEYS[4])
if kind then return { 'failed', kind, '', redis.call('PTTL', KEYS[4]) } end
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return { 'busy' } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fence = string.format('%.0f', math.max(now, (tonumber(redis.call('GET', KEYS[3])) or 0) + 1))
redis.call('SET', KEYS[3], fence, 'PX', ARGV[5])
return { 'claimed', fence }`

const PUT = `#!lua
local isHolder = redis.call('GET', KEYS[2]) == ARGV[1]
local last, fence = tonumber(redis.call('GET', KEYS[3])) or 0, tonumber(ARGV[2])
if not isHolder and not (fence and fence >= last) then
  local token = fence and redis.call('HMGET', KEYS[1], 'sealed', 'usefulMs') or {}
  if not token[1] then return { 'refused' } end
  return { 'refused', token[1], token[2], redis.call('PTTL', KEYS[1]) }
end
if tonumber(ARGV[6]) > 0 then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'id', ARGV[3], 'sealed', ARGV[4], 'usefulMs', ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
redis.call('DEL', KEYS[4])
if isHolder then redis.call('DEL', KEYS[2]) end
return { 'stored' }`

const FAIL = `#!lua
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[1])`

const DROP = `#!lua
if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then redis.call('DEL', KEYS[1]) end`

type Reply = [state: string, text?: string, usefulMs?: string, leftMs?: number]
type Keys = [token: string, lock: string, fence: string, failure: string]

declare module 'ioredis' {
  interface RedisCommander<Context> {
    claimToken(
      ...args: [...Keys, owner: string, lockMs: number, ...unwanted: [string, string], fenceTtlMs: number]
    ): Result<Reply, Context>
    putToken(
      ...args: [...Keys, owner: string, fence: string, id: string, sealed: string, usefulMs: number, leftMs: number]
    ): Result<Reply, Context>
    failToken(
      ...args: [lock: string, failure: string, owner: string, kind: TokenFailure, forMs: number]
    ): Result<null, Context>
    dropToken(token: string, id: string): Result<null, Context>
  }
}

export function createTokenStore({ client, guard, seal, lockMs }: TokenStoreOptions): TokenStore {
  client.defineCommand('claimToken', { numberOfKeys: 4, lua: CLAIM })
  client.defineCommand('putToken', { numberOfKeys: 4, lua: PUT })
  client.defineCommand('failToken', { numberOfKeys: 2, lua: FAIL })
  client.defineCommand('dropToken', { numberOfKeys: 1, lua: DROP })
  const tokenKey = `token:{${seal.name}}`
  const [lockKey, fenceKey, failureKey] = [`${tokenKey}:lock`, `${tokenKey}:fence`, `${tokenKey}:failure`]
  const keys: Keys = [tokenKey, lockKey, fenceKey, failureKey]

  async function claim(owner: string, unwanted: readonly [string, string]): Promise<LockClaim> {
    const reply = await guard.ask(() => client.claimToken(...keys, owner, lockMs, ...unwanted, FENCE_TTL_MS))
    if (reply === undefined) return { state: 'unavailable' }
    const [state, text = '', , leftMs = 0] = reply
    if (state === 'claimed') return { state, fence: text }
    if (state === 'failed') return { state, kind: text === 'refused' ? text : 'unavailable', leftMs }
    if (state === 'busy') return { state }
    const token = read(reply)
    if (token !== undefined) return { state: 'found', token }
    // Nobody can use it: it was not written by one of us.
    await guard.ask(() => client.del(tokenKey))
    return { state: 'unavailable' }
  }

  function read([, sealed, usefulMs, leftMs = 0]: Reply): SharedToken | undefined {
    const value = sealed ? seal.open(sealed) : undefined
    if (value === undefined) return undefined
    return { value, id: seal.idOf(value), usefulMs: Math.max(Number(usefulMs) || 0, leftMs), leftMs }
  }

  return {
    claim,

    async put(owner, fence, { value, id, usefulMs, leftMs }) {
      const sealed = seal.seal(value)
      const times = [Math.ceil(usefulMs), Math.floor(leftMs)] as const
      const reply = await guard.ask(() => client.putToken(...keys, owner, fence ?? '', id, sealed, ...times))
      return reply?.[0] === 'refused' ? read(reply) : undefined
    },

    async fail(owner, kind, forMs) {
      await guard.ask(() => client.failToken(lockKey, failureKey, owner, kind, Math.ceil(forMs)))
    },

    async drop(id) {
      await guard.ask(() => client.dropToken(tokenKey, id))
    }
  }
}
