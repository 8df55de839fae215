/** The longest waits after each attempt but the last, in ms: 1 s, 5 s, 30 s, 2 min, 10 min, 1 h, 6 h. */
const LONGEST_MS = [1000, 5000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000]
export const MAX_ATTEMPTS = LONGEST_MS.length + 1

/**
 * How long to wait after an attempt that failed: anything up to the longest wait, so that what failed together does not
 * come back together (full jitter: Brooker, Exponential Backoff And Jitter, 2015).
 * @param attempt from 1 on
 * @param random from 0 to below 1
 * @returns undefined after the last attempt
 */
export function retryDelayMs(attempt: number, random: number): number | undefined {
  const longestMs = LONGEST_MS[attempt - 1]
  return longestMs === undefined ? undefined : Math.floor(longestMs * random)
}
