import type { Counter } from '@prometheus-io/client'
import type { Buckets } from './buckets.ts'
import type { Metrics } from './metrics.ts'

/** What has no route is one series, and so are all other methods: else clients could make series without end. */
const UNKNOWN_ROUTE = 'unknown'
const OTHER_METHOD = '_OTHER'
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export interface RequestMetrics {
  /**
   * Counts a request that was answered.
   * @param route the pattern of its route, not its path; undefined when it has none
   */
  countRequest(method: string, route: string | undefined, status: number, seconds: number): void
  /** Counts a request whose client hung up before the end of the answer. */
  countAborted(method: string, route: string | undefined): void
  /** Counts where an answer came from. */
  countCacheOutcome(outcome: string): void
}

/** Adds the metrics of the HTTP server. What is counted on every request is bound to its labels once. */
export function addRequestMetrics(metrics: Metrics): RequestMetrics {
  const durations = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status']
  })
  const aborted = metrics.counter({
    name: 'http_requests_aborted_total',
    help: 'Requests whose client hung up before the end of the answer.',
    labelNames: ['method', 'route']
  })
  const cacheRequests = metrics.counter({
    name: 'aisle_cache_requests_total',
    help: 'Requests for cached answers, by where the answer came from.',
    labelNames: ['outcome']
  })
  const routes = new Map<string, Map<string, Map<number, Buckets>>>()
  const outcomes = new Map<string, Counter.Internal>()

  function bindRequest(method: string, route: string, status: number): Buckets {
    const buckets = durations.series({
      method: toMethodLabel(method),
      route,
      status: String(status)
    })
    const methods = routes.get(route) ?? new Map<string, Map<number, Buckets>>()
    const statuses = methods.get(method) ?? new Map<number, Buckets>()
    routes.set(route, methods.set(method, statuses.set(status, buckets)))
    return buckets
  }

  function bindOutcome(outcome: string): Counter.Internal {
    const counter = cacheRequests.labels({ outcome })
    outcomes.set(outcome, counter)
    return counter
  }

  return {
    countRequest(method, route = UNKNOWN_ROUTE, status, seconds) {
      const buckets = routes.get(route)?.get(method)?.get(status) ?? bindRequest(method, route, status)
      buckets.observe(seconds)
    },
    countAborted(method, route = UNKNOWN_ROUTE) {
      aborted.inc({ method: toMethodLabel(method), route })
    },
    countCacheOutcome(outcome) {
      const counter = outcomes.get(outcome) ?? bindOutcome(outcome)
      counter.inc()
    }
  }
}

function toMethodLabel(method: string): string {
  return METHODS.includes(method) ? method : OTHER_METHOD
}
