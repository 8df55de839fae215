/** The bounds of exponential backoff. */
export interface Backoff {
  /** The longest delay after the first failure, in ms, above 0. It doubles with each failure. */
  baseMs: number
  /** The longest delay after any failure, in ms. */
  maxMs: number
}

/**
 * Computes the upper bound of exponential backoff.
 * @param failures in a row, at least 1
 * @returns `baseMs` after the first failure, twice as much after each further one, at most `maxMs`
 */
export function longestBackoffMs(failures: number, { baseMs, maxMs }: Backoff): number {
  return Math.min(maxMs, baseMs * 2 ** (failures - 1))
}

/**
 * Computes the delay before the next attempt: exponential backoff with full jitter, which is a random time between zero
 * and a bound that doubles with each failure. Callers that failed together do not come back together (Marc Brooker,
 * Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
 * @param failures in a row, at least 1
 * @param random returns a number from 0 to below 1, such as `Math.random`
 */
export function backoffMs(failures: number, backoff: Backoff, random: () => number): number {
  return random() * longestBackoffMs(failures, backoff)
}
