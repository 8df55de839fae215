import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../../platform/database/database.ts'
import { retryContention } from '../../../platform/database/retry-contention.ts'
import { retryDelayMs } from './backoff.ts'

/** What has become of an event that has been tried. */
export type Settled =
  | { id: number; status: 'done' | 'stale' }
  | { id: number; status: 'dead'; attempts: number; reason: string }

/** An attempt that failed. */
export interface Failure {
  id: number
  /** Which one it was. */
  attempts: number
  reason: string
}

/** Somebody else has the event by now: the lease has run out. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError'
}

const REASON_MAX_LENGTH = 500
const EXPIRED = 'The worker ended, or took too long.'
/** Of one step, and of one transaction. */
const MAX_EXPIRED = 100

const SETTLE = `UPDATE webhook_events
  SET status = IF(id IN (?), 'stale', 'done'), lease_token = NULL, lease_until = NULL, last_error = NULL,
    finished_at = UTC_TIMESTAMP(3)
  WHERE id IN (?) AND status = 'processing' AND lease_token = ?`
// What began is what was claimed, and a lease begins then.
const NOTE = `INSERT INTO webhook_attempts (webhook_event_id, attempt, started_at, failed_at, error)
  SELECT id, attempts, lease_until - INTERVAL ? MICROSECOND, UTC_TIMESTAMP(3), ? FROM webhook_events
  WHERE id = ? AND status = 'processing' AND lease_token = ?`
const FAIL = `UPDATE webhook_events
  SET status = ?, next_attempt_at = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, lease_token = NULL, lease_until = NULL,
    last_error = ?, finished_at = IF(?, UTC_TIMESTAMP(3), NULL)
  WHERE id = ? AND status = 'processing' AND lease_token = ?`
const FIND_EXPIRED = `SELECT id, attempts, lease_token FROM webhook_events FORCE INDEX (webhook_events_lease)
  WHERE status = 'processing' AND lease_until < UTC_TIMESTAMP(3)
  ORDER BY lease_until LIMIT ${MAX_EXPIRED} FOR UPDATE SKIP LOCKED`

/** The lease under which events were claimed. */
export interface EventLease {
  token: Buffer
  leaseMs: number
}

/**
 * Writes what has become of events, in the transaction that holds their effects.
 * @throws {LeaseLostError} when one of them is not ours any more: then nothing of the transaction may be committed
 */
export async function settleEvents(
  connection: Connection,
  settled: readonly Settled[],
  lease: EventLease
): Promise<void> {
  const idsOf = (status: Settled['status']) => settled.filter((event) => event.status === status).map(({ id }) => id)
  const stale = idsOf('stale')
  const ids = [...idsOf('done'), ...stale]
  if (ids.length > 0) {
    const [{ affectedRows }] = await connection.query<ResultSetHeader>(SETTLE, [[0, ...stale], ids, lease.token])
    if (affectedRows < ids.length)
      throw new LeaseLostError(`${ids.length - affectedRows} events were claimed by others.`)
  }
  for (const event of settled) if (event.status === 'dead') await end(connection, event, undefined, lease)
}

/** Notes that an attempt failed, and when the next one is; after the last one the event is dead. */
export async function failEvent(
  database: Database,
  failure: Failure,
  lease: EventLease,
  random: () => number
): Promise<void> {
  const delayMs = retryDelayMs(failure.attempts, random())
  await retryContention(() => database.transaction((connection) => end(connection, failure, delayMs, lease)))
}

/**
 * Counts claims whose lease has run out as failed attempts.
 * @returns how many there were
 */
export function failExpired(database: Database, leaseMs: number, random: () => number): Promise<number> {
  return retryContention(() =>
    database.transaction(async (connection) => {
      const [expired] =
        await connection.query<({ id: number; attempts: number; lease_token: Buffer } & RowDataPacket)[]>(FIND_EXPIRED)
      for (const { id, attempts, lease_token } of expired) {
        const failure = { id, attempts, reason: EXPIRED }
        await end(connection, failure, retryDelayMs(attempts, random()), { token: lease_token, leaseMs })
      }
      return expired.length
    })
  )
}

/** @param delayMs undefined when there is to be no other attempt */
async function end(
  connection: Connection,
  failure: Failure,
  delayMs: number | undefined,
  lease: EventLease
): Promise<void> {
  const { id, reason } = failure
  const error = reason.slice(0, REASON_MAX_LENGTH)
  const isDead = delayMs === undefined
  await connection.query(NOTE, [lease.leaseMs * 1000, error, id, lease.token])
  const values = [isDead ? 'dead' : 'pending', (delayMs ?? 0) * 1000, error, isDead, id, lease.token]
  const [{ affectedRows }] = await connection.query<ResultSetHeader>(FAIL, values)
  if (affectedRows === 0) throw new LeaseLostError('The event was claimed by somebody else.')
}
