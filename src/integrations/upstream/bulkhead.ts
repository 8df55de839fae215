import { startTimeout } from '../../platform/lib/time-limit.ts'
import { UpstreamError } from './upstream-error.ts'

interface BulkheadOptions {
  /** Names the upstream in errors. */
  upstream: string
  /** Calls that may be on their way at the same time. */
  limit: number
  /** Calls that may wait for a place. */
  waitingLimit: number
}

/**
 * Bounds how much of this instance one upstream can hold up. Calls wait here for a connection, first come first served,
 * and not in the connection pool: that one has no bound, and keeps what its caller has given up.
 */
export class Bulkhead {
  readonly #options: BulkheadOptions
  readonly #waiting = new Set<() => void>()
  #used = 0

  constructor(options: BulkheadOptions) {
    this.#options = options
  }

  /**
   * Takes a place, which has to be given back by `leave`.
   * @param waitMs that it is worth waiting for a place
   * @returns nothing where there is a place at once
   * @throws {UpstreamError} `busy`, at once or after `waitMs`; or the signal's reason, as soon as it fires
   */
  enter(signal: AbortSignal, waitMs: number): Promise<void> | undefined {
    if (this.#used < this.#options.limit) {
      this.#used++
      return undefined
    }
    return this.#queue(signal, waitMs)
  }

  leave(): void {
    const [next] = this.#waiting
    if (next) next()
    else this.#used--
  }

  async #queue(signal: AbortSignal, waitMs: number): Promise<void> {
    signal.throwIfAborted()
    const { upstream, waitingLimit } = this.#options
    if (this.#waiting.size >= waitingLimit) throw new UpstreamError(upstream, 'busy')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const end = () => {
      this.#waiting.delete(admit)
      signal.removeEventListener('abort', abort)
      cancelTimeout()
    }
    const admit = () => {
      end()
      resolve()
    }
    const giveUp = (reason: unknown) => {
      end()
      reject(reason)
    }
    const abort = () => giveUp(signal.reason)
    const cancelTimeout = startTimeout(() => giveUp(new UpstreamError(upstream, 'busy')), waitMs)
    this.#waiting.add(admit)
    signal.addEventListener('abort', abort, { once: true })
    await promise
  }
}
