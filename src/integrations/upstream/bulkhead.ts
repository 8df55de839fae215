import type { StartTimeout } from '../../platform/lib/time-limit.ts'
import { UpstreamError } from './upstream-error.ts'

interface BulkheadOptions {
  /** The name of the upstream, for errors. */
  upstream: string
  /** How many calls may run at the same time. */
  maxConcurrent: number
  /** How many more calls may wait for a place. */
  maxWaiting: number
  startTimeout: StartTimeout
}

/** Limits how many calls of one upstream run at the same time. */
export interface Bulkhead {
  /**
   * Takes a place, or waits for one: first come, first served. Each place must be given back with `leave`.
   * @returns undefined when there is a place at once
   * @throws {UpstreamError} `busy`, when too many calls wait already or after `maxWaitMs`; or the reason of the signal
   */
  enter(signal: AbortSignal, maxWaitMs: number): Promise<void> | undefined
  leave(): void
}

/**
 * Makes a bulkhead: one slow upstream must not take up all of this instance. Calls wait here for a connection and not in
 * undici's pool, whose queue has no limit.
 */
export function createBulkhead(options: BulkheadOptions): Bulkhead {
  const { upstream, maxConcurrent, maxWaiting, startTimeout } = options
  const waiting = new Set<() => void>()
  let taken = 0

  async function wait(signal: AbortSignal, maxWaitMs: number): Promise<void> {
    signal.throwIfAborted()
    if (waiting.size >= maxWaiting) throw new UpstreamError(upstream, 'busy')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // At once, so that a place is never given to a call that has left.
    const leaveQueue = () => {
      waiting.delete(admit)
      signal.removeEventListener('abort', abort)
      cancelTimeout()
    }
    const admit = () => {
      leaveQueue()
      resolve()
    }
    const giveUp = (reason: unknown) => {
      leaveQueue()
      reject(reason)
    }
    const abort = () => giveUp(signal.reason)
    const cancelTimeout = startTimeout(() => giveUp(new UpstreamError(upstream, 'busy')), maxWaitMs)
    waiting.add(admit)
    signal.addEventListener('abort', abort, { once: true })
    await promise
  }

  return {
    enter(signal, maxWaitMs) {
      if (taken >= maxConcurrent) return wait(signal, maxWaitMs)
      taken++
      return undefined
    },

    leave() {
      const [admit] = waiting
      if (admit === undefined) taken--
      else admit()
    }
  }
}
