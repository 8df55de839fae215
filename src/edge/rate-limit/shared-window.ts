import type { Redis, Result } from 'ioredis'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import type { Limit } from './limiter.ts'

/**
 * The sliding windows of all clients, in Redis: never more than `max` requests in any window, across all instances, with
 * less than a round trip for each.
 *
 * An instance is granted a permit for each request that waits, which counts from now on; and as a lease some in advance,
 * which count from the end of the lease on, used or not. A permit counts for one window, and nothing is granted beyond
 * what is free.
 *
 * Why that is never too much. Take any time t, and the permits that were used after t − window, up to t. Each counts from
 * a time s on that is not before its use u: a lease ends for its holder before it does for Redis, as the holder measures
 * from before it asked. All were granted by the last grant at or before t, at g, and all still counted at g, as
 * s >= u > t − window >= g − window. What counts after a grant is at most `max`.
 *
 * It rests on Redis: that it keeps what it was told, and that its clock does not leap ahead. The clocks of instances
 * count for nothing but the length of a lease.
 *
 * Who is refused too early, and by how much:
 * - In time: a used permit counts longer than a window by what was left of its lease when it was last heard of, and
 *   where more than 1000 moments are to be kept by up to a thousandth of the window, as they are then rounded up.
 * - In permits: others may hold up to a 32nd of what was free, each, for one lease. Then the rest comes back (within a
 *   second, where clients have windows of different lengths), and an instance that has been refused asks again within
 *   another lease.
 * - A lease is a second, or a 50th of the window where that is shorter.
 * - With less than 32 free there are no leases: limits up to 32 are exact, and what is left of others is handed out singly.
 * - An instance that dies, or an answer that is late, takes its permits along for one window.
 */
export interface SharedWindow {
  /** Asks for permits, and gives back what is left of an earlier lease; undefined where Redis does not answer. */
  take(request: PermitRequest): Promise<Grant | undefined>
}

export interface PermitRequest {
  client: string
  limit: Limit
  leaseMs: number
  /** How many requests wait for one. */
  waiting: number
  /** How many are wanted in advance. */
  wanted: number
  /** A new name for the lease. */
  leaseId: string
  /** The lease before this one, which is over. */
  previousLease: PermitLease | undefined
}

export interface PermitLease {
  readonly id: string
  /** How many were granted in advance. */
  readonly permits: number
  /** How many of them were not used, and will not be. */
  readonly unused: number
}

export interface Grant {
  /** For requests that wait. */
  granted: number
  /** In advance, until the end of the lease. */
  advance: number
  /** What is left beside that. */
  free: number
  /** Until more is free, if nothing is given back before; if nothing is free: until something is. */
  freesInMs: number
}

interface SharedWindowOptions {
  client: Redis
  guard: RedisGuard
}

const LONGEST_LEASE_MS = 1000
const LEASES_PER_WINDOW = 50
/** Redis lets a lease last longer by this, as clocks do not run equally fast. */
const DRIFT_MS = 1

export function leaseMsOf({ windowMs }: Limit): number {
  return Math.min(LONGEST_LEASE_MS, windowMs / LEASES_PER_WINDOW)
}

/**
 * A client is a sorted set. Each member is so many permits, scored by the time from which they count, in µs: `3:<time>`
 * for those that were granted or used at one moment, `3:<name>` for a lease. The member `n` has the negated sum of all as
 * its score. With more than 1000 members, moments are rounded up to thousandths of the window: there are never many more
 * than 2000, beside the leases.
 *
 * The line `#!lua` has Redis refuse the script as a whole while it takes no writes. A key that is not ours, of another type
 * or with an impossible sum, is thrown out. (`..` would write large numbers as 1.7e+15.)
 */
const TAKE = `#!lua
local key, max, window, lease = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local waiting, wanted, leaseId = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local previousLease, unused = ARGV[7], tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local slot = 1
local function whole(number) return string.format('%.0f', number) end
local function moment(at) return math.ceil(at / slot) * slot end
local function permitsOf(member) return tonumber(string.match(member, '^%d+')) or 0 end

local function count(permits, from)
  if permits <= 0 then return end
  local id = whole(from)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, id, id)) do
    if string.match(member, ':(.*)') == id then
      permits = permits + permitsOf(member)
      redis.call('ZREM', key, member)
    end
  end
  redis.call('ZADD', key, id, whole(permits) .. ':' .. id)
end

local sum = redis.pcall('ZSCORE', key, 'n')
local total = type(sum) == 'table' and -1 or -tonumber(sum or 0)
if not (total >= 0 and total <= 2 ^ 53) then
  redis.call('DEL', key)
  total = 0
end

local past = whole(now - window)
for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, 1, past)) do total = total - permitsOf(member) end
redis.call('ZREMRANGEBYSCORE', key, 1, past)
if redis.call('ZCARD', key) > 1000 then slot = math.ceil(window / 1000) end

local countsFrom = previousLease ~= '' and redis.call('ZSCORE', key, previousLease)
if countsFrom then
  redis.call('ZREM', key, previousLease)
  total = total - unused
  count(permitsOf(previousLease) - unused, math.min(tonumber(countsFrom), moment(now)))
end

local granted = math.max(0, math.min(waiting, max - total))
local advance = math.max(0, math.min(wanted, math.floor((max - total - granted) / 32)))
count(granted, moment(now))
if advance > 0 then redis.call('ZADD', key, whole(moment(now + lease)), whole(advance) .. ':' .. leaseId) end
total = total + granted + advance

if total <= 0 then
  redis.call('DEL', key)
  return { 0, 0, max, 0 }
end
redis.call('ZADD', key, whole(-total), 'n')
if granted + advance > 0 then redis.call('PEXPIRE', key, whole((window + lease + slot) / 1000 + 1)) end

local rank, excess, freesIn = 1, total - max, window
repeat
  local oldest = redis.call('ZRANGE', key, rank, rank, 'WITHSCORES')
  if not oldest[1] then break end
  freesIn = oldest[2] + window - now
  excess = excess - permitsOf(oldest[1])
  rank = rank + 1
until excess < 0
return { granted, advance, math.max(0, max - total), math.ceil(freesIn / 1000) }`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    takePermits(
      ...args: [
        key: string,
        max: number,
        windowUs: number,
        leaseUs: number,
        waiting: number,
        wanted: number,
        leaseId: string,
        previousLease: string,
        unused: number
      ]
    ): Result<TakeReply, Context>
  }
}

type TakeReply = [granted: number, advance: number, free: number, freesInMs: number]

export function createSharedWindow({ client: redis, guard }: SharedWindowOptions): SharedWindow {
  redis.defineCommand('takePermits', { numberOfKeys: 1, lua: TAKE })

  return {
    async take({ client, limit, leaseMs, waiting, wanted, leaseId, previousLease }) {
      const reply = await guard.ask(() =>
        redis.takePermits(
          `limit:{${client}}`,
          limit.max,
          limit.windowMs * 1000,
          Math.ceil((leaseMs + DRIFT_MS) * 1000),
          waiting,
          wanted,
          leaseId,
          previousLease === undefined ? '' : `${previousLease.permits}:${previousLease.id}`,
          previousLease?.unused ?? 0
        )
      )
      if (reply === undefined) return undefined
      const [granted, advance, free, freesInMs] = reply
      return { granted, advance, free, freesInMs }
    }
  }
}
