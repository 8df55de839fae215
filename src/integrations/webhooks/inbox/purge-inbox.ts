import type { Database } from '../../../platform/database/database.ts'
import { padValues, placeholders } from '../../../platform/database/statement-values.ts'

const MAX_ROWS = 100
const OLD = 'UTC_TIMESTAMP(3) - INTERVAL ? SECOND'

const FIND = `SELECT id FROM webhook_events WHERE finished_at < ${OLD} ORDER BY finished_at LIMIT ${MAX_ROWS}`
// The age is tested again, as an event that was replayed after it was found is not finished.
const DELETE = `DELETE event, attempt FROM webhook_events AS event FORCE INDEX (PRIMARY)
  LEFT JOIN webhook_attempts AS attempt ON attempt.webhook_event_id = event.id
  WHERE event.id IN (${placeholders(MAX_ROWS)}) AND event.finished_at < ${OLD}`
const DELETE_REJECTIONS = `DELETE FROM webhook_rejections WHERE hour < ${OLD} ORDER BY hour LIMIT ${MAX_ROWS}`

/**
 * Deletes up to a hundred events that were finished before the retention period, with their failed attempts, the oldest
 * first; and tallies of refused deliveries of that age. Events that are not finished stay, whatever their age. Any number
 * of instances may run this at the same time.
 * @returns the number of events that were found, and whether no more are left to delete
 * @throws {AppError} when the database does not answer in time
 */
export async function purgeInbox(
  database: Pick<Database, 'execute' | 'transaction'>,
  retentionMs: number
): Promise<{ purged: number; isComplete: boolean }> {
  const seconds = String(Math.ceil(retentionMs / 1000))
  const found = await database.execute<{ id: number }>(FIND, [seconds])
  const ids = found.map(({ id }) => String(id))
  if (ids.length > 0) {
    const values = [...padValues(ids, MAX_ROWS), seconds]
    // In a transaction, as ours are READ COMMITTED, which locks no gaps in which others may insert.
    await database.transaction((connection) => connection.execute(DELETE, values))
  }
  await database.execute(DELETE_REJECTIONS, [seconds])
  return { purged: ids.length, isComplete: ids.length < MAX_ROWS }
}
