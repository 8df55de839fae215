import type { Redis, Result } from 'ioredis'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import type { Limit } from './limiter.ts'

/**
 * The sliding windows of all clients, in Redis: never more than `max` requests in any window, across all instances, for
 * less than a round trip per request.
 *
 * Redis grants an instance one permit for each request that waits, which counts from now on; and a lease of some permits
 * in advance, which count from the end of the lease on, used or not. A permit counts for one window, and nothing is
 * granted beyond what is free.
 *
 * Why that is never too much. Take any time t, and the permits that were used after t − window, up to t. Each counts from
 * a time s on that is not before its use u: a lease ends for its holder before it ends for Redis, because the holder
 * measures from before it asked. All were granted by the last grant at or before t, at g, and all still counted at g, as
 * s >= u > t − window >= g − window. What counts after a grant is at most `max`.
 *
 * The proof assumes that Redis keeps its data, and that its clock does not jump ahead. The clocks of instances matter only
 * for the length of a lease.
 *
 * How much too early a client may be refused:
 * - In time: a used permit counts longer than a window by the rest of its lease when its use was last reported; and with
 *   more than 1000 moments to keep, by up to a thousandth of the window, because they are then rounded up.
 * - In permits: each other instance may hold up to a 32nd of what was free, for one lease. Then the unused rest comes back
 *   (within a second, if clients have windows of different lengths), and an instance that was refused asks again within
 *   another lease.
 * - A lease is a second, or a 50th of the window if that is shorter.
 * - With fewer than 32 free there are no leases: limits up to 32 are exact, and the end of larger ones is handed out singly.
 * - If an instance dies, or an answer is late, the permits are lost for one window.
 */
export interface RedisWindow {
  /** Asks for permits, and returns the unused ones of an earlier lease; undefined if Redis does not answer. */
  take(request: PermitRequest): Promise<Grant | undefined>
}

/** Permits that an instance asks for, for one client. */
export interface PermitRequest {
  client: string
  limit: Limit
  leaseMs: number
  /** How many requests wait for a permit. */
  waiting: number
  /** How many permits are wanted in advance. */
  wanted: number
  /** The name of the new lease, if there will be one. */
  leaseId: string
  /** The lease before this one, which has ended. */
  previousLease: PermitLease | undefined
}

/** A lease that has ended. */
export interface PermitLease {
  readonly id: string
  /** How many permits it was granted. */
  readonly permits: number
  /** How many of them were not used, and will not be. */
  readonly unused: number
}

/** The permits that Redis grants. */
export interface Grant {
  /** For requests that wait. */
  granted: number
  /** In advance, until the end of the lease. */
  advance: number
  /** How many are left beside these. */
  free: number
  /** Until more are free, if nothing is returned before; if none is free, until one is. */
  freesInMs: number
}

interface RedisWindowOptions {
  client: Redis
  guard: RedisGuard
}

const LONGEST_LEASE_MS = 1000
const LEASES_PER_WINDOW = 50
/** How much longer a lease lasts for Redis, because clocks do not run equally fast. */
const DRIFT_MS = 1

/** Returns how long a lease under a limit lasts for its holder, in ms. */
export function leaseMsOf({ windowMs }: Limit): number {
  return Math.min(LONGEST_LEASE_MS, windowMs / LEASES_PER_WINDOW)
}

/**
 * Each client has a sorted set. Each member is a number of permits, scored by the time from which they count, in µs:
 * `3:<time>` for permits that were granted or used at one moment, `3:<name>` for a lease. The member `n` has the negated
 * sum of all as its score. Beyond 1000 members, moments are rounded up to thousandths of the window: there are never many
 * more than 2000, beside the leases.
 *
 * Because of the line `#!lua`, Redis refuses the whole script while it takes no writes. A key of another type, or with an
 * impossible sum, was not written here, and is deleted. (`..` would write large numbers as 1.7e+15.)
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

/** Creates the sliding windows in Redis. */
export function createRedisWindow({ client: redis, guard }: RedisWindowOptions): RedisWindow {
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
