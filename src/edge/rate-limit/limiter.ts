/** How often: at most `max` requests in any `windowMs`. Both are positive integers. */
export interface Limit {
  readonly max: number
  readonly windowMs: number
}

export interface Decision {
  readonly isAdmitted: boolean
  /** How many more would be admitted now, as Redis had it at most a lease ago. */
  readonly remaining: number
  /** Until more are left than now; for a refused request: until it would be admitted, if no other one came. */
  readonly resetMs: number
  /** Decided by this instance alone, as Redis did not answer. `remaining` is what it would still admit by itself. */
  readonly isDegraded: boolean
}

/** Counts requests by client. The limit of a client may be another one each time. */
export interface Limiter {
  /**
   * Decides without waiting, out of what is known here; undefined where Redis has to be asked (`take`).
   * @param nowMs on the clock of the limiter
   */
  takeHeld(client: string, limit: Limit, nowMs: number): Decision | undefined
  /** Decides within two budgets of Redis: that of those who came before, and its own. Never rejects. */
  take(client: string, limit: Limit): Promise<Decision>
  /** Gives back what is left of leases that have ended. It is done by itself, soon after their end. */
  sweep(): Promise<void>
  /** Gives back all that is held. */
  close(): Promise<void>
}
