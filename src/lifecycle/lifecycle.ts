/** Where the service is in its life. */
export interface Lifecycle {
  /** From the first signal to stop on: readiness says no, requests are still served. */
  isDraining: boolean
}
