import type { Database } from '../../../platform/database/database.ts'
import { createSharedLoad } from '../../../platform/lib/single-flight.ts'
import { createOutageLog } from '../../../platform/logging/outage-log.ts'
import type { Metrics } from '../../../platform/metrics/metrics.ts'

/** The events of the inbox that need attention. */
interface Backlog {
  /** The number of events, up to `MAX_COUNT`. */
  pending: number
  /** The number of events, up to `MAX_COUNT`. */
  dead: number
  /** The time since the oldest pending event was received; 0 if none is pending. */
  oldestPendingAgeSeconds: number
}

interface BacklogOptions {
  database: Pick<Database, 'execute'>
  metrics: Metrics
  log: { info(message: string): void; warn(details: object, message: string): void }
  /** A monotonic clock. */
  monotonicMs?: () => number
}

/** Counting an index entry takes the server about a microsecond. */
const MAX_COUNT = 10_000
const MAX_AGE_MS = 5000

// All from the one index that has events by status and, where there is no lease, in the order of their ids.
const PENDING =
  "FROM webhook_events FORCE INDEX (webhook_events_lease) WHERE status = 'pending' AND lease_until IS NULL"
const DEAD = PENDING.replace('pending', 'dead')
const READ = `SELECT
  (SELECT COUNT(*) FROM (SELECT id ${PENDING} LIMIT ${MAX_COUNT}) AS some_pending) AS pending,
  (SELECT COUNT(*) FROM (SELECT id ${DEAD} LIMIT ${MAX_COUNT}) AS some_dead) AS dead,
  (SELECT TIMESTAMPDIFF(MICROSECOND, received_at, UTC_TIMESTAMP(3)) / 1000000 ${PENDING} ORDER BY id LIMIT 1) AS age`

/**
 * Adds gauges of the events that are pending or dead, in all instances. They are read from the database when they are
 * scraped, at most once in five seconds; while the database does not answer, they are left out of the scrape.
 */
export function addBacklogMetrics(options: BacklogOptions): void {
  const { database, metrics, log, monotonicMs = () => performance.now() } = options
  const outageLog = createOutageLog('The count of webhooks', log)
  const backlog = createSharedLoad({ load: read, maxAgeMs: MAX_AGE_MS, nowMs: monotonicMs })

  async function read(): Promise<Backlog | undefined> {
    try {
      const [row] = await database.execute<{ pending: number; dead: number; age: string | null }>(READ, [])
      outageLog.up()
      return {
        pending: row?.pending ?? 0,
        dead: row?.dead ?? 0,
        oldestPendingAgeSeconds: Math.max(0, Number(row?.age ?? 0))
      }
    } catch (error) {
      outageLog.down(error as Error)
      return undefined
    }
  }

  metrics.gauge({
    name: 'aisle_webhooks_events',
    help: 'Webhook events in the inbox, of all instances, by status: pending or dead. Each is counted up to 10000.',
    labelNames: ['status'],
    async collect() {
      const current = await backlog()
      this.reset()
      if (current === undefined) return
      this.set({ status: 'pending' }, current.pending)
      this.set({ status: 'dead' }, current.dead)
    }
  })
  metrics.gauge({
    name: 'aisle_webhooks_oldest_pending_age_seconds',
    help: 'Age of the oldest pending webhook event, of all instances; 0 if there is none.',
    async collect() {
      const current = await backlog()
      if (current === undefined) this.remove()
      else this.set(current.oldestPendingAgeSeconds)
    }
  })
}
