import type { Limit } from './limiter.ts'

/** What one instance has admitted of one client, alone or with permits from Redis. */
export interface LocalWindow {
  /** Counts admitted requests. */
  count(permits: number, nowMs: number, limit: Limit): void
  /** Returns how many more requests may be admitted. */
  room(nowMs: number, limit: Limit): number
  /** Returns the time until there is more room; if there is none, until there is some. */
  freesInMs(nowMs: number, limit: Limit): number
}

/** How many slots a window has, unless they would be shorter than a millisecond. */
const SLOTS = 100

/**
 * Creates a sliding window of at most 101 slots, for one client. Requests in a slot count from its end on: there are never
 * more than the limit in any window, and a client is refused too early by at most a slot and a millisecond. Slots end at
 * whole milliseconds, and the current time is rounded to the safe side, so fractions do not matter.
 */
export function createLocalWindow(): LocalWindow {
  const endsMs: number[] = []
  const permits: number[] = []
  let total = 0

  function dropExpired(nowMs: number, { windowMs }: Limit) {
    const pastMs = Math.floor(nowMs) - windowMs
    let past = 0
    while (past < endsMs.length && (endsMs[past] ?? 0) <= pastMs) total -= permits[past++] ?? 0
    if (past === 0) return
    endsMs.splice(0, past)
    permits.splice(0, past)
  }

  return {
    count(newPermits, nowMs, limit) {
      if (newPermits === 0) return
      dropExpired(nowMs, limit)
      const slotMs = Math.ceil(limit.windowMs / SLOTS)
      const last = endsMs.length - 1
      const lastEndMs = endsMs[last] ?? Number.NEGATIVE_INFINITY
      if (nowMs <= lastEndMs) {
        permits[last] = (permits[last] ?? 0) + newPermits
      } else {
        endsMs.push(Math.ceil(Math.ceil(nowMs) / slotMs) * slotMs)
        permits.push(newPermits)
      }
      total += newPermits
    },

    room(nowMs, limit) {
      dropExpired(nowMs, limit)
      return Math.max(0, limit.max - total)
    },

    freesInMs(nowMs, limit) {
      dropExpired(nowMs, limit)
      let left = total
      for (const [slot, endMs] of endsMs.entries()) {
        left -= permits[slot] ?? 0
        if (left < limit.max) return endMs + limit.windowMs - Math.floor(nowMs)
      }
      return 0
    }
  }
}
