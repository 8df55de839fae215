import type { Limit } from '../../../../src/edge/rate-limit/limiter.ts'

/** The definition: the time of every admission is kept, and all in a window count. They come in the order of time. */
export class NaiveWindow {
  readonly #timesMs: number[] = []

  admit(atMs: number): void {
    this.#timesMs.push(atMs)
  }

  /** How many were admitted in the window that ends now, or in so much before it. */
  used(atMs: number, { windowMs }: Limit, beforeMs = 0): number {
    return this.#until(atMs) - this.#until(atMs - windowMs - beforeMs)
  }

  /** The most that were admitted in any window. */
  most(limit: Limit): number {
    return Math.max(0, ...this.#timesMs.map((atMs) => this.used(atMs, limit)))
  }

  /** How many there are up to a time, by bisection. */
  #until(atMs: number): number {
    let [from, to] = [0, this.#timesMs.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#timesMs[middle] ?? 0) <= atMs) from = middle + 1
      else to = middle
    }
    return from
  }
}
