import type { Buckets } from './histogram.ts'
import type { Metrics } from './metrics.ts'

/** What a bounded pool knows of its use, kept up to date by the pool. */
export interface PoolUsage {
  /** Connections that are in use, of so many. */
  readonly used: number
  readonly limit: number
  /** Calls that wait for one. */
  readonly waiting: number
  /** How long each call waited, in seconds. */
  readonly waits: Buckets
  /** How many calls ended in each of these problems, by code. */
  readonly failures: ReadonlyMap<string, number>
}

/** Adds the metrics of the pool of MySQL connections, all of them read from its usage. */
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
