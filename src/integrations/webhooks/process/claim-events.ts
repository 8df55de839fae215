import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../../platform/database/database.ts'
import { retryContention } from '../../../platform/database/transaction.ts'
import { datetimeToMs } from '../../../platform/lib/timestamps.ts'
import type { RecordedEvent } from './read-effect.ts'

/** The right to process events for a time. When it expires, other workers may claim the same events. */
export interface EventLease {
  /** 16 random bytes that identify the claim. Writing the outcome of an event requires its current token (fencing). */
  token: Buffer
  leaseMs: number
}

/** An event that was claimed by a worker. */
export interface ClaimedEvent extends RecordedEvent {
  /** Its number in the inbox. */
  id: number
  /** The number of attempts that have begun, including this one. */
  attempts: number
  /** The time from its receipt to this claim. */
  waitedMs: number
}

type DueRow = { id: number; attempts: number; bytes: number } & RowDataPacket
type EventRow = Pick<ClaimedEvent, 'id' | 'attempts' | 'type' | 'body'> & {
  event_id: string
  occurred_at: string
  waited_ms: number
}

/** The bytes of all bodies of one claim, which are in memory together. */
const MAX_BYTES = 4 * 2 ** 20

// By an index that has the wanted order: to sort the rows, the server would lock all pending ones.
const FIND_DUE = `SELECT id, attempts, OCTET_LENGTH(body) AS bytes
  FROM webhook_events FORCE INDEX (webhook_events_claim)
  WHERE status = 'pending' AND next_attempt_at <= UTC_TIMESTAMP(3)
  ORDER BY next_attempt_at, id LIMIT ? FOR UPDATE SKIP LOCKED`
const TAKE = `UPDATE webhook_events
  SET status = 'processing', attempts = attempts + 1, lease_token = ?,
    lease_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
  WHERE id IN (?)`
const READ = `SELECT id, attempts, event_id, type, occurred_at, body,
    TIMESTAMPDIFF(MICROSECOND, received_at, UTC_TIMESTAMP(3)) DIV 1000 AS waited_ms
  FROM webhook_events WHERE id IN (?) ORDER BY id`
const RELEASE = `UPDATE webhook_events
  SET status = 'pending', attempts = attempts - ?, next_attempt_at = UTC_TIMESTAMP(3), lease_token = NULL,
    lease_until = NULL
  WHERE id IN (?) AND status = 'processing' AND lease_token = ?`

/**
 * Claims events that are due, and commits, so that no other worker waits for this one. An attempt is counted before it
 * begins, so that an event that crashes the process is not tried forever.
 *
 * Events on their first attempt are claimed together. An event that was tried before is claimed alone: if it fails again,
 * or crashes the process again, it does not take others with it.
 * @returns the events in the order of their ids; none if none is due
 */
export function claimEvents(database: Database, lease: EventLease, maxEvents: number): Promise<ClaimedEvent[]> {
  return retryContention(() =>
    database.transaction(async (connection) => {
      const ids = await findDue(connection, maxEvents)
      if (ids.length === 0) return []
      await connection.query(TAKE, [lease.token, lease.leaseMs * 1000, ids])
      const [rows] = await connection.query<(EventRow & RowDataPacket)[]>(READ, [ids])
      return rows.map(toClaimed)
    })
  )
}

/**
 * Gives claimed events back, to be claimed again at once. Events that are no longer under this lease are left as they are.
 * @param isCounted whether the attempt still counts
 */
export async function releaseEvents(
  database: Database,
  ids: readonly number[],
  lease: EventLease,
  { isCounted }: { isCounted: boolean }
): Promise<void> {
  const values = [isCounted ? 0 : 1, ids, lease.token]
  await retryContention(() => database.transaction((connection) => connection.query(RELEASE, values)))
}

async function findDue(connection: Connection, maxEvents: number): Promise<number[]> {
  const [due] = await connection.query<DueRow[]>(FIND_DUE, [maxEvents])
  const [first] = due
  if (first === undefined) return []
  if (first.attempts > 0) return [first.id]
  let bytes = 0
  const fresh = due.filter(({ attempts }) => attempts === 0)
  return fresh
    .filter((event) => {
      bytes += event.bytes
      return event === first || bytes <= MAX_BYTES
    })
    .map(({ id }) => id)
}

function toClaimed({ event_id, occurred_at, waited_ms, ...rest }: EventRow): ClaimedEvent {
  return { ...rest, eventId: event_id, occurredAtMs: datetimeToMs(occurred_at), waitedMs: waited_ms }
}
