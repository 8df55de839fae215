/** Retries that may follow each other without a single success. */
const RESERVE = 50
const SUCCESSES_PER_RETRY = 10

/**
 * Bounds how much retries add to the load of an upstream: a bucket that each retry takes a token from, and each
 * success gives a tenth of one to. In an outage there are at most 50 retries in all, otherwise at most one to ten
 * successes (Google's "Handling Overload", and the retry quota of the AWS SDKs).
 */
export class RetryBudget {
  /** In tenths of a retry, so that it stays exact. */
  #left = RESERVE * SUCCESSES_PER_RETRY

  /** Takes a retry, if there is one left. */
  take(): boolean {
    if (this.#left < SUCCESSES_PER_RETRY) return false
    this.#left -= SUCCESSES_PER_RETRY
    return true
  }

  /** A call has succeeded. */
  earn(): void {
    if (this.#left < RESERVE * SUCCESSES_PER_RETRY) this.#left++
  }
}
