import type { Buckets } from './buckets.ts'
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
    help: 'Connections to MySQL: in use, and the limit of this instance.',
    labelNames: ['state'],
    collect() {
      this.set({ state: 'used' }, usage.used)
      this.set({ state: 'limit' }, usage.limit)
    }
  })
  metrics.gauge({
    name: 'aisle_mysql_waiting',
    help: 'Calls that wait for a connection to MySQL now.',
    collect() {
      this.set(usage.waiting)
    }
  })
  metrics
    .histogram({ name: 'aisle_mysql_wait_seconds', help: 'How long calls waited for a free connection to MySQL.' })
    .series({}, usage.waits)
  metrics.counter({
    name: 'aisle_mysql_failures_total',
    help: 'Calls of MySQL that ended in a 503, by its code.',
    labelNames: ['code'],
    collect() {
      this.reset()
      for (const [code, count] of usage.failures) this.inc({ code }, count)
    }
  })
}
