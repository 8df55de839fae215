import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../../platform/database/database.ts'
import { datetimeToMs } from '../../../platform/database/datetime.ts'
import { retryContention } from '../../../platform/database/retry-contention.ts'
import type { RecordedEvent } from './read-effect.ts'

export interface ClaimedEvent extends RecordedEvent {
  id: number
  /** The attempts that have begun, with this one. */
  attempts: number
  /** From its receipt to this claim. */
  waitedMs: number
}

/** Events that are this worker's for the time of a lease. */
export interface EventClaim {
  token: Buffer
  events: readonly ClaimedEvent[]
}

interface ClaimOptions {
  token: Buffer
  leaseMs: number
  maxEvents: number
}

type Due = { id: number; attempts: number; bytes: number } & RowDataPacket
type Recorded = Pick<ClaimedEvent, 'id' | 'attempts' | 'type' | 'body'> & {
  event_id: string
  occurred_at: string
  waited_ms: number
}

/** Of the bodies of one claim, which are in memory together. */
const MAX_BYTES = 4 * 2 ** 20

// By an index in whose order they are wanted: to sort them, the server would lock all that are pending.
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

/**
 * Claims events that are due, and commits, so that nobody waits for a worker. Each attempt is counted before it begins: an
 * event that ends the process is not tried for ever.
 *
 * Events on their first attempt are claimed together. Whatever has been tried before is claimed alone: where something
 * fails, or ends the process, it takes no others with it twice.
 */
export function claimEvents(database: Database, { token, leaseMs, maxEvents }: ClaimOptions): Promise<EventClaim> {
  return retryContention(() =>
    database.transaction(async (connection) => {
      const ids = await findDue(connection, maxEvents)
      if (ids.length === 0) return { token, events: [] }
      await connection.query(TAKE, [token, leaseMs * 1000, ids])
      const [rows] = await connection.query<(Recorded & RowDataPacket)[]>(READ, [ids])
      return { token, events: rows.map(toClaimed) }
    })
  )
}

/**
 * Gives back what is still claimed, to be claimed again at once.
 * @param isCounted whether it was an attempt
 */
export async function releaseClaim(
  database: Database,
  token: Buffer,
  ids: readonly number[],
  { isCounted }: { isCounted: boolean }
): Promise<void> {
  await retryContention(() =>
    database.transaction((connection) =>
      connection.query(
        `UPDATE webhook_events
         SET status = 'pending', attempts = attempts - ?, next_attempt_at = UTC_TIMESTAMP(3), lease_token = NULL,
           lease_until = NULL
         WHERE id IN (?) AND status = 'processing' AND lease_token = ?`,
        [isCounted ? 0 : 1, ids, token]
      )
    )
  )
}

async function findDue(connection: Connection, maxEvents: number): Promise<number[]> {
  const [due] = await connection.query<Due[]>(FIND_DUE, [maxEvents])
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

function toClaimed({ event_id, occurred_at, waited_ms, ...rest }: Recorded): ClaimedEvent {
  const occurredAtMs = datetimeToMs(occurred_at)
  return { ...rest, eventId: event_id, occurredAtMs, waitedMs: waited_ms }
}
