import type { Redis, Result } from 'ioredis'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import type { TokenFailure } from './token-provider.ts'
import type { TokenSeal } from './token-seal.ts'

/** A token as instances share it. */
export interface SharedToken {
  value: string
  /** Made by the token seal. */
  id: string
  /** How long the token could be used when it was issued. */
  usefulMs: number
  /** How long the token can still be used. */
  leftMs: number
}

/** The result of looking for a token. */
export type TokenClaim =
  | { state: 'found'; token: SharedToken }
  /** There is no token, and the lock was taken: the caller has to fetch one. */
  | { state: 'claimed' }
  /** Another instance holds the lock, and is fetching a token. */
  | { state: 'busy' }
  /** Another instance failed to fetch a token: all instances leave the provider alone for `leftMs`. */
  | { state: 'failed'; kind: TokenFailure; leftMs: number }
  /** Redis does not answer. */
  | { state: 'unavailable' }

/** The token that all instances share, in Redis, and the lock under which it is fetched. */
export interface TokenStore {
  /**
   * Looks for a token, and takes the lock when there is none.
   * @param owner a new random name for each claim
   * @param unwanted ids of tokens that count as none
   */
  claim(owner: string, unwanted: readonly [string, string]): Promise<TokenClaim>
  /**
   * Shares a token and releases the lock. An owner that has lost its lock stores nothing.
   * @returns the token that is there when the lock was lost, if there is one
   */
  put(owner: string, token: SharedToken): Promise<SharedToken | undefined>
  /** Makes all instances leave the provider alone for a while. An owner that has lost its lock changes nothing. */
  fail(owner: string, kind: TokenFailure, forMs: number): Promise<void>
  /** Removes the token with this id, and no other. */
  drop(id: string): Promise<void>
}

interface TokenStoreOptions {
  client: Redis
  guard: RedisGuard
  seal: TokenSeal
  /** When a lock expires whose owner does not come back. */
  lockMs: number
}

/**
 * The keys are the token (a hash: id, sealed text, useful life) and the lock (the name of its owner, or `failed:` and the
 * kind of the failure); both have the same hash tag. Redis expires them: no clock of an instance counts.
 *
 * The owner of a lock is the fence of a token: each claim has another owner, and a script checks it together with the
 * write. An instance that was stopped while it fetched cannot overwrite what a later owner has stored.
 *
 * With the first line Redis refuses a script as a whole while it takes no writes.
 */
const CLAIM = `#!lua
local id, leftMs = redis.call('HGET', KEYS[1], 'id'), redis.call('PTTL', KEYS[1])
if id and id ~= ARGV[3] and id ~= ARGV[4] and leftMs > 0 then
  local token = redis.call('HMGET', KEYS[1], 'sealed', 'usefulMs')
  return { 'found', token[1], token[2], leftMs }
end
local owner = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'GET', 'PX', ARGV[2])
if not owner then return { 'claimed' } end
local kind = string.match(owner, '^failed:(.+)')
return kind and { 'failed', kind, '', redis.call('PTTL', KEYS[2]) } or { 'busy' }`

const PUT = `#!lua
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  local token = redis.call('HMGET', KEYS[1], 'sealed', 'usefulMs')
  return { 'lost', token[1], token[2], redis.call('PTTL', KEYS[1]) }
end
if tonumber(ARGV[5]) > 0 then
  redis.call('HSET', KEYS[1], 'id', ARGV[2], 'sealed', ARGV[3], 'usefulMs', ARGV[4])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
redis.call('DEL', KEYS[2])
return { 'stored' }`

const FAIL = `#!lua
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], 'failed:' .. ARGV[2], 'PX', ARGV[3]) end`

const DROP = `#!lua
if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then redis.call('DEL', KEYS[1]) end`

type ScriptReply = [state: string, text?: string | null, usefulMs?: string | null, leftMs?: number]

declare module 'ioredis' {
  interface RedisCommander<Context> {
    claimToken(
      ...args: [token: string, lock: string, owner: string, lockMs: number, ...unwanted: [string, string]]
    ): Result<ScriptReply, Context>
    putToken(
      ...args: [
        token: string,
        lock: string,
        owner: string,
        id: string,
        sealed: string,
        usefulMs: number,
        leftMs: number
      ]
    ): Result<ScriptReply, Context>
    failToken(lock: string, owner: string, kind: TokenFailure, forMs: number): Result<null, Context>
    dropToken(token: string, id: string): Result<null, Context>
  }
}

/** Makes the store of the token that belongs to the credentials of a seal. */
export function createTokenStore({ client, guard, seal, lockMs }: TokenStoreOptions): TokenStore {
  client.defineCommand('claimToken', { numberOfKeys: 2, lua: CLAIM })
  client.defineCommand('putToken', { numberOfKeys: 2, lua: PUT })
  client.defineCommand('failToken', { numberOfKeys: 1, lua: FAIL })
  client.defineCommand('dropToken', { numberOfKeys: 1, lua: DROP })
  const tokenKey = `token:{${seal.name}}`
  const lockKey = `${tokenKey}:lock`

  function readToken([, sealed, usefulMs, leftMs = 0]: ScriptReply): SharedToken | undefined {
    const value = sealed ? seal.open(sealed) : undefined
    if (value === undefined) return undefined
    return { value, id: seal.idOf(value), usefulMs: Math.max(Number(usefulMs) || 0, leftMs), leftMs }
  }

  return {
    async claim(owner, unwanted) {
      const reply = await guard.ask(() => client.claimToken(tokenKey, lockKey, owner, lockMs, ...unwanted))
      const [state, text, , leftMs = 0] = reply ?? ['unavailable']
      if (state === 'claimed' || state === 'busy') return { state }
      if (state === 'failed') return { state, kind: text === 'refused' ? text : 'unavailable', leftMs }
      const token = reply && readToken(reply)
      return token === undefined ? { state: 'unavailable' } : { state: 'found', token }
    },

    async put(owner, { value, id, usefulMs, leftMs }) {
      const sealed = seal.seal(value)
      const times = [Math.ceil(usefulMs), Math.floor(leftMs)] as const
      const reply = await guard.ask(() => client.putToken(tokenKey, lockKey, owner, id, sealed, ...times))
      return reply && readToken(reply)
    },

    async fail(owner, kind, forMs) {
      await guard.ask(() => client.failToken(lockKey, owner, kind, Math.ceil(forMs)))
    },

    async drop(id) {
      await guard.ask(() => client.dropToken(tokenKey, id))
    }
  }
}
