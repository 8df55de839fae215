import type { Counter } from '@prometheus-io/client'
import type { RequestEnd } from '../http/request-end.ts'
import type { Buckets } from './histogram.ts'
import type { Metrics } from './metrics.ts'

/** One series for all requests without a route, and one for all unknown methods: clients must not make series. */
const UNKNOWN_ROUTE = 'unknown'
const OTHER_METHOD = '_OTHER'
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Adds the metrics of the HTTP server. Series are bound to their labels once, so that counting a request is cheap.
 * @returns counts a request that has ended
 */
export function addRequestMetrics(metrics: Metrics): (end: RequestEnd) => void {
  const durations = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its response. `_count` is the number of requests. The route of a request without a route is unknown.',
    labelNames: ['method', 'route', 'status']
  })
  const aborted = metrics.counter({
    name: 'http_requests_aborted_total',
    help: 'Requests whose client disconnected before the end of the response.',
    labelNames: ['method', 'route']
  })
  const cacheRequests = metrics.counter({
    name: 'aisle_cache_requests_total',
    help: 'Requests for cacheable resources, by outcome: memory, shared (Redis), miss (MySQL), stale (an expired response, because MySQL did not answer).',
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

  return ({ method, route, status, durationMs, cache, aborted: isAborted }) => {
    const [methodName, routeName] = [method ?? OTHER_METHOD, route ?? UNKNOWN_ROUTE]
    if (isAborted) {
      aborted.inc({ method: toMethodLabel(methodName), route: routeName })
      return
    }
    const buckets = routes.get(routeName)?.get(methodName)?.get(status) ?? bindRequest(methodName, routeName, status)
    buckets.observe(durationMs / 1000)
    if (cache !== null) (outcomes.get(cache) ?? bindOutcome(cache)).inc()
  }
}

function toMethodLabel(method: string): string {
  return METHODS.includes(method) ? method : OTHER_METHOD
}
