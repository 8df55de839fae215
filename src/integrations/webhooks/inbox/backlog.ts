import type { Database } from '../../../platform/database/database.ts'

/** What is in the inbox, beside all that is finished well. */
export interface Backlog {
  /** Events, up to `MAX_COUNT`. */
  pending: number
  dead: number
  /** How long ago the oldest pending event was received; 0 where there is none. */
  oldestPendingAgeSeconds: number
}

/** To count an entry of the index takes the server a microsecond or so. */
const MAX_COUNT = 10_000
const MAX_AGE_MS = 5000

// All from the one index that has them by status and, where nobody has a lease, by id.
const PENDING =
  "FROM webhook_events FORCE INDEX (webhook_events_lease) WHERE status = 'pending' AND lease_until IS NULL"
const DEAD = PENDING.replace('pending', 'dead')
const READ = `SELECT
  (SELECT COUNT(*) FROM (SELECT id ${PENDING} LIMIT ${MAX_COUNT}) AS some_pending) AS pending,
  (SELECT COUNT(*) FROM (SELECT id ${DEAD} LIMIT ${MAX_COUNT}) AS some_dead) AS dead,
  (SELECT TIMESTAMPDIFF(MICROSECOND, received_at, UTC_TIMESTAMP(3)) / 1000000 ${PENDING} ORDER BY id LIMIT 1) AS age`

interface BacklogOptions {
  database: Pick<Database, 'execute'>
  /** Of any epoch. */
  nowMs: () => number
}

/**
 * Makes what reads the backlog, at most once in five seconds, however many ask.
 * @returns a function that throws what `Database.execute` does
 */
export function createBacklogReader({ database, nowMs }: BacklogOptions): () => Promise<Backlog> {
  let last: { atMs: number; backlog: Promise<Backlog> } | undefined

  async function read(): Promise<Backlog> {
    const [row] = await database.execute<{ pending: number; dead: number; age: string | null }>(READ, [])
    return {
      pending: row?.pending ?? 0,
      dead: row?.dead ?? 0,
      oldestPendingAgeSeconds: Math.max(0, Number(row?.age ?? 0))
    }
  }

  return () => {
    const now = nowMs()
    if (last === undefined || now - last.atMs >= MAX_AGE_MS) last = { atMs: now, backlog: read() }
    return last.backlog
  }
}
