import type { Database } from '../../../platform/database/database.ts'

const MAX_ROWS = 100
const PLACES = Array.from({ length: MAX_ROWS }, () => '?').join(', ')
const OLD = 'UTC_TIMESTAMP(3) - INTERVAL ? SECOND'

const FIND = `SELECT id FROM webhook_events WHERE finished_at < ${OLD} ORDER BY finished_at LIMIT ${MAX_ROWS}`
// One that is to be processed again, since it was found, is not finished any longer.
const DELETE = `DELETE event, attempt FROM webhook_events AS event FORCE INDEX (PRIMARY)
  LEFT JOIN webhook_attempts AS attempt ON attempt.webhook_event_id = event.id
  WHERE event.id IN (${PLACES}) AND event.finished_at < ${OLD}`
const DELETE_REJECTIONS = `DELETE FROM webhook_rejections WHERE hour < ${OLD} ORDER BY hour LIMIT ${MAX_ROWS}`

/**
 * Deletes events that were finished longer ago than they are to be kept, with their failed attempts, the oldest first; and
 * refusals of that time. What is not finished stays, however old it is. Any number of instances may do this at the same
 * time.
 * @returns how many events were found, and whether no more are to go
 * @throws {AppError} when the database does not answer in time
 */
export async function purgeInbox(
  database: Pick<Database, 'execute' | 'transaction'>,
  retentionMs: number
): Promise<{ purged: number; isComplete: boolean }> {
  const seconds = String(Math.ceil(retentionMs / 1000))
  const found = await database.execute<{ id: number }>(FIND, [seconds])
  const ids = found.map(({ id }) => String(id))
  const last = ids.at(-1)
  if (last !== undefined) {
    // Always as many places, so that it is one prepared statement.
    const places = Array.from({ length: MAX_ROWS }, (_, place) => ids[place] ?? last)
    // A transaction, as those of ours lock no gaps, in which others may insert.
    await database.transaction((connection) => connection.execute(DELETE, [...places, seconds]))
  }
  await database.execute(DELETE_REJECTIONS, [seconds])
  return { purged: ids.length, isComplete: ids.length < MAX_ROWS }
}
