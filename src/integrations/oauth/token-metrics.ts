import type { Metrics } from '../../platform/metrics/metrics.ts'
import type { FetchOutcome } from './token-manager.ts'

/** Adds what is to be seen of access tokens. Answers what counts requests to the provider. */
export function addTokenMetrics(metrics: Metrics, readAgeMs: () => number | undefined): (fetch: FetchOutcome) => void {
  const fetches = metrics.counter({
    name: 'aisle_token_fetches_total',
    help: 'Requests for access tokens by outcome: issued, refused (the provider rejects the credentials), unavailable. Present if a provider is configured.',
    labelNames: ['outcome']
  })
  metrics.gauge({
    name: 'aisle_token_age_seconds',
    help: 'Age of the access token in memory. Absent while there is no token.',
    collect() {
      const ageMs = readAgeMs()
      if (ageMs === undefined) this.remove()
      else this.set(ageMs / 1000)
    }
  })
  return ({ outcome }) => fetches.labels({ outcome }).inc()
}
