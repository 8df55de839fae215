/** In seconds, from an answer out of memory to the longest that an answer may take. */
const DURATION_BOUNDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
]

/**
 * A distribution: how many of the observed values lie in each bucket, and their sum. To observe is a comparison for each
 * bound up to the value and two additions, so it may be done on every request.
 */
export class Buckets {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[]
  /** Not cumulative; the last one is for what lies above all bounds. */
  readonly counts: Float64Array
  sum = 0

  /** @param bounds in seconds, from 0.1 ms to 10 s, unless others are given */
  constructor(bounds = DURATION_BOUNDS) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let bucket = 0
    for (const bound of this.bounds) {
      if (value <= bound) break
      bucket++
    }
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1
    this.sum += value
  }
}
