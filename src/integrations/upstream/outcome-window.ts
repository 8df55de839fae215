const BUCKETS = 10
const BUCKET_MS = 1000

/**
 * Counts of successes and failures in the last 10 s, in buckets of one second: a bucket is forgotten as a whole, so that
 * what is counted lies 9 to 10 s back at most. The clock must not go backwards.
 */
export class OutcomeWindow {
  readonly #successes = new Uint32Array(BUCKETS)
  readonly #failures = new Uint32Array(BUCKETS)
  /** Of the newest bucket, counted from the beginning of the clock. */
  #current = 0

  add(isFailure: boolean, nowMs: number): void {
    this.#forget(nowMs)
    const counts = isFailure ? this.#failures : this.#successes
    const index = this.#current % BUCKETS
    counts[index] = (counts[index] ?? 0) + 1
  }

  totals(nowMs: number): { successes: number; failures: number } {
    this.#forget(nowMs)
    return { successes: sum(this.#successes), failures: sum(this.#failures) }
  }

  clear(): void {
    this.#successes.fill(0)
    this.#failures.fill(0)
  }

  #forget(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS)
    if (bucket - this.#current >= BUCKETS) this.clear()
    else {
      for (let old = this.#current + 1; old <= bucket; old++) {
        this.#successes[old % BUCKETS] = 0
        this.#failures[old % BUCKETS] = 0
      }
    }
    this.#current = Math.max(this.#current, bucket)
  }
}

function sum(counts: Uint32Array): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
