import type { Limit } from './limiter.ts'

/** What one instance has admitted of one client, by itself or with permits of Redis. */
export interface LocalWindow {
  count(permits: number, nowMs: number, limit: Limit): void
  /** How many more may be admitted. */
  room(nowMs: number, limit: Limit): number
  /** Until there is more room; where there is none: until there is some. */
  freesInMs(nowMs: number, limit: Limit): number
}

/** So many moments of a window are told apart, if they are a millisecond long. */
const SLOTS = 100

/**
 * A sliding window in at most 101 slots. What is in a slot counts from its end on: never more than the limit in any
 * window, and nobody is refused too early by more than a slot and a millisecond. Ends are whole milliseconds, and now is
 * rounded to the safe side, so that nothing depends on how fractions are rounded.
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
