import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../../platform/database/database.ts'
import { retryContention } from '../../../platform/database/transaction.ts'
import type { EventLease } from './claim-events.ts'

/** The outcome of an event that was applied, or that can never be. */
export type SettledEvent =
  | { id: number; status: 'done' | 'stale' }
  | { id: number; status: 'dead'; attempts: number; reason: string }

/** An attempt that failed. */
export interface FailedAttempt {
  /** The number of the event in the inbox. */
  id: number
  /** The number of the attempt, from 1. */
  attempts: number
  reason: string
}

/** The lease has expired, and another worker has claimed the event. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError'
}

/** The longest delays after each attempt but the last: 1 s, 5 s, 30 s, 2 min, 10 min, 1 h, 6 h. */
const LONGEST_DELAYS_MS = [1000, 5000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000]
/** The number of attempts after which an event is dead. */
export const MAX_EVENT_ATTEMPTS = LONGEST_DELAYS_MS.length + 1

const REASON_MAX_LENGTH = 500
const EXPIRED = 'The worker ended, or took too long.'
/** The number of expired leases that are handled in one transaction. */
const MAX_EXPIRED = 100

const SETTLE = `UPDATE webhook_events
  SET status = IF(id IN (?), 'stale', 'done'), lease_token = NULL, lease_until = NULL, last_error = NULL,
    finished_at = UTC_TIMESTAMP(3)
  WHERE id IN (?) AND status = 'processing' AND lease_token = ?`
// An attempt begins with its claim, and so does the lease.
const LOG_ATTEMPT = `INSERT INTO webhook_attempts (webhook_event_id, attempt, started_at, failed_at, error)
  SELECT id, attempts, lease_until - INTERVAL ? MICROSECOND, UTC_TIMESTAMP(3), ? FROM webhook_events
  WHERE id = ? AND status = 'processing' AND lease_token = ?`
const FAIL = `UPDATE webhook_events
  SET status = ?, next_attempt_at = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, lease_token = NULL, lease_until = NULL,
    last_error = ?, finished_at = IF(?, UTC_TIMESTAMP(3), NULL)
  WHERE id = ? AND status = 'processing' AND lease_token = ?`
const FIND_EXPIRED = `SELECT id, attempts, lease_token FROM webhook_events FORCE INDEX (webhook_events_lease)
  WHERE status = 'processing' AND lease_until < UTC_TIMESTAMP(3)
  ORDER BY lease_until LIMIT ${MAX_EXPIRED} FOR UPDATE SKIP LOCKED`

/**
 * Writes the outcome of events, in the transaction that has their effects.
 * @throws {LeaseLostError} when another worker has claimed one of them: the transaction must be rolled back then
 */
export async function settleEvents(
  connection: Connection,
  settled: readonly SettledEvent[],
  lease: EventLease
): Promise<void> {
  const idsOf = (status: SettledEvent['status']) =>
    settled.filter((event) => event.status === status).map(({ id }) => id)
  const stale = idsOf('stale')
  const ids = [...idsOf('done'), ...stale]
  if (ids.length > 0) {
    const [{ affectedRows }] = await connection.query<ResultSetHeader>(SETTLE, [[0, ...stale], ids, lease.token])
    if (affectedRows < ids.length) {
      throw new LeaseLostError(`${ids.length - affectedRows} events were claimed by other workers.`)
    }
  }
  for (const event of settled) if (event.status === 'dead') await endAttempt(connection, event, undefined, lease)
}

/**
 * Records that an attempt failed, and when the next one is due; after the last one the event is dead.
 * @param random returns a number from 0 to below 1
 * @throws {LeaseLostError} when another worker has claimed the event
 */
export async function failAttempt(
  database: Database,
  failure: FailedAttempt,
  lease: EventLease,
  random: () => number
): Promise<void> {
  const delayMs = retryDelayMs(failure.attempts, random())
  await retryContention(() => database.transaction((connection) => endAttempt(connection, failure, delayMs, lease)))
}

/**
 * Records a failed attempt for each claim whose lease has expired.
 * @param leaseMs the time for which the events were claimed
 * @param random returns a number from 0 to below 1
 * @returns the number of such claims
 */
export function failExpiredLeases(database: Database, leaseMs: number, random: () => number): Promise<number> {
  return retryContention(() =>
    database.transaction(async (connection) => {
      const [expired] =
        await connection.query<({ id: number; attempts: number; lease_token: Buffer } & RowDataPacket)[]>(FIND_EXPIRED)
      for (const { id, attempts, lease_token } of expired) {
        const failure = { id, attempts, reason: EXPIRED }
        await endAttempt(connection, failure, retryDelayMs(attempts, random()), { token: lease_token, leaseMs })
      }
      return expired.length
    })
  )
}

/**
 * Computes the delay after a failed attempt, with full jitter: events that failed together do not come back together (Marc
 * Brooker, Exponential Backoff And Jitter, 2015).
 * @param attempt from 1
 * @param random from 0 to below 1
 * @returns undefined after the last attempt
 * @internal
 */
export function retryDelayMs(attempt: number, random: number): number | undefined {
  const longestMs = LONGEST_DELAYS_MS[attempt - 1]
  return longestMs === undefined ? undefined : Math.floor(longestMs * random)
}

/** @param delayMs undefined if there is no further attempt */
async function endAttempt(
  connection: Connection,
  { id, reason }: FailedAttempt,
  delayMs: number | undefined,
  lease: EventLease
): Promise<void> {
  const error = reason.slice(0, REASON_MAX_LENGTH)
  const isDead = delayMs === undefined
  await connection.query(LOG_ATTEMPT, [lease.leaseMs * 1000, error, id, lease.token])
  const values = [isDead ? 'dead' : 'pending', (delayMs ?? 0) * 1000, error, isDead, id, lease.token]
  const [{ affectedRows }] = await connection.query<ResultSetHeader>(FAIL, values)
  if (affectedRows === 0) throw new LeaseLostError('The event was claimed by another worker.')
}
