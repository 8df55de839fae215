import type { Buckets } from './histogram.ts'
import type { Metrics } from './metrics.ts'

/** The use of a bounded pool of connections, which the pool keeps current. */
export interface PoolUsage {
  /** Number of connections in use. */
  readonly used: number
  /** Maximum number of connections. */
  readonly limit: number
  /** Number of calls that wait for a connection. */
  readonly waiting: number
  /** Times that calls waited for a connection, in seconds. */
  readonly waits: Buckets
  /** Number of calls that failed, by the code of the problem. */
  readonly failures: ReadonlyMap<string, number>
}

/** Adds the metrics of the pool of MySQL connections, which are read at each scrape. */
export function addPoolMetrics(metrics: Metrics, usage: PoolUsage): void {
  metrics.gauge({
    name: 'aisle_mysql_connections',
    help: 'Connections of the pool of this instance, by state: used, limit.',
    labelNames: ['state'],
    collect() {
      this.set({ state: 'used' }, usage.used)
      this.set({ state: 'limit' }, usage.limit)
    }
  })
  metrics.gauge({
    name: 'aisle_mysql_waiting',
    help: 'Calls that are waiting for a connection.',
    collect() {
      this.set(usage.waiting)
    }
  })
  metrics
    .histogram({ name: 'aisle_mysql_wait_seconds', help: 'Time that calls waited for a connection.' })
    .series({}, usage.waits)
  metrics.counter({
    name: 'aisle_mysql_failures_total',
    help: 'Calls of MySQL that failed with a 503, by code: overloaded, database-timeout, database-unavailable.',
    labelNames: ['code'],
    collect() {
      this.reset()
      for (const [code, count] of usage.failures) this.inc({ code }, count)
    }
  })
}
