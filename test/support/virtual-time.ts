import { setImmediate as turn } from 'node:timers/promises'
import type { StartTimeout } from '../../src/platform/lib/time-limit.ts'

/** Time that passes only when a test says so. */
export interface VirtualTime {
  /** The clock, in ms; it begins at 0. */
  nowMs: () => number
  /** Starts a timer on that clock. */
  startTimeout: StartTimeout
  /**
   * Lets time pass. Timers expire in the order of their times, each at its time, and what follows from one (promises,
   * new timers) happens before the next.
   */
  advance(durationMs: number): Promise<void>
  /** How many timers are running. */
  readonly timers: number
}

/** Makes a clock and timers for code that takes `nowMs` and `start` as options: nothing has to wait. */
export function createVirtualTime(): VirtualTime {
  const timers = new Map<() => void, number>()
  let now = 0

  function nextBefore(endMs: number): [expire: () => void, atMs: number] | undefined {
    const due = [...timers].filter(([, atMs]) => atMs <= endMs)
    return due.sort(([, a], [, b]) => a - b)[0]
  }

  return {
    nowMs: () => now,
    startTimeout(expire, delayMs) {
      const timer = () => expire()
      timers.set(timer, now + delayMs)
      return () => timers.delete(timer)
    },
    async advance(durationMs) {
      const endMs = now + durationMs
      await turn()
      for (let next = nextBefore(endMs); next !== undefined; next = nextBefore(endMs)) {
        const [expire, atMs] = next
        now = Math.max(now, atMs)
        timers.delete(expire)
        expire()
        await turn()
      }
      now = endMs
    },
    get timers() {
      return timers.size
    }
  }
}
