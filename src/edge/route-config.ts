import type { Access } from './auth/access.ts'
import type { RouteClass } from './rate-limit/policies.ts'

/** The keys that a route of ours may set in Fastify's `config`. Every route sets `access`; the others are optional. */
export interface RouteConfig {
  /** Who may use the route. The application does not start while a route lacks it, so no route is open by accident. */
  access?: Access
  /**
   * The rate-limit class in which requests are counted; `other` by default. `exempt` routes are never counted, and accept
   * unknown query parameters: health probes and scrapers must not be refused.
   */
  limits?: Exclude<RouteClass, 'key-lookup'> | 'exempt'
  /** Each part of the handler has its own time limit, so the route gets no handler timeout (and saves a timer). */
  isBounded?: boolean
  /** Clients may ask the route to wait or to stream for long, so a late end is not logged as a slow request. */
  mayWait?: boolean
  /** Replaces the 503 of @fastify/under-pressure on this route: a function that does nothing exempts the route. */
  pressureHandler?: () => void
}
