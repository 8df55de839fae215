import type { Database } from '../../platform/database/database.ts'
import { padValues, placeholders } from '../../platform/database/placeholders.ts'

/** The most rows that one statement deletes. A row can have 100 KiB. */
const MAX_ROWS = 100

const FIND = `SELECT id, changed_at < ? AS is_old FROM product_changes FORCE INDEX (product_changes_seq)
  WHERE seq > 0 ORDER BY seq LIMIT ${MAX_ROWS + 1}`
// By primary key: by number it would lock the gap below the lowest one, where every writer inserts. Without the last
// condition, which is always true here, MariaDB scans the whole log, and waits for open transactions.
const DELETE = `DELETE doomed FROM product_changes AS doomed FORCE INDEX (PRIMARY)
  WHERE doomed.id IN (${placeholders(MAX_ROWS)}) AND doomed.seq IS NOT NULL`

/**
 * Deletes a batch of old rows from the start of the change log. A row goes only when the row after it is old as well. So a
 * reader whose position was deleted is also too late for the change after it; the log has no holes; and its highest row,
 * from which the numbers continue, stays.
 *
 * Any number of instances may call this at the same time: each statement commits by itself, and rows that another instance
 * has deleted are ignored. When two find the same rows, both count them.
 * @param before the time before which a row is old: a `DATETIME(3)` of the database, as text in UTC
 * @returns how many rows were deleted, and whether no old rows are left
 * @throws {AppError} `database-timeout`, `database-unavailable` or `overloaded` when the database does not answer in time
 */
export async function purgeStep(
  database: Pick<Database, 'execute'>,
  before: string
): Promise<{ purged: number; isComplete: boolean }> {
  const rows = await database.execute<{ id: number; is_old: number }>(FIND, [before])
  const firstKept = rows.findIndex(({ is_old }) => is_old === 0)
  const old = firstKept === -1 ? rows : rows.slice(0, firstKept)
  const ids = old.slice(0, -1).map(({ id }) => String(id))
  if (ids.length === 0) return { purged: 0, isComplete: true }
  await database.execute(DELETE, padValues(ids, MAX_ROWS))
  return { purged: ids.length, isComplete: ids.length < MAX_ROWS }
}
