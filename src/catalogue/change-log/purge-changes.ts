import type { Database } from '../../platform/database/database.ts'

/** Of one statement. A row may have 100 KiB. */
const MAX_ROWS = 100
const PLACES = Array.from({ length: MAX_ROWS }, () => '?').join(', ')

const FIND = `SELECT id, changed_at < ? AS is_old FROM product_changes FORCE INDEX (product_changes_seq)
  WHERE seq > 0 ORDER BY seq LIMIT ${MAX_ROWS + 1}`
// By the ids: by the numbers it would lock the gap before the lowest one, where every writer adds its row. Without its last
// condition, which is true of all of them, MariaDB walks through the whole log, and waits for open transactions.
const DELETE = `DELETE doomed FROM product_changes AS doomed FORCE INDEX (PRIMARY)
  WHERE doomed.id IN (${PLACES}) AND doomed.seq IS NOT NULL`

/**
 * Deletes rows from the start of the log: those after which the next row, too, is from before a moment. So whoever
 * stands at a row that is gone has missed the time for the one after it; the log has no holes; and its highest row stays,
 * from which the numbers go on.
 *
 * Any number of instances may do this at the same time: each statement commits by itself, and what another one has
 * deleted is not missed. When two find the same rows at the same time, both count them.
 * @param before as the database has it
 * @returns how many rows were deleted, and whether no more are to go
 * @throws {AppError} when the database does not answer in time
 */
export async function purgeStep(
  database: Pick<Database, 'execute'>,
  before: string
): Promise<{ purged: number; isComplete: boolean }> {
  const rows = await database.execute<{ id: number; is_old: number }>(FIND, [before])
  const firstKept = rows.findIndex(({ is_old }) => is_old === 0)
  const old = firstKept === -1 ? rows : rows.slice(0, firstKept)
  const ids = old.slice(0, -1).map(({ id }) => String(id))
  const last = ids.at(-1)
  if (last === undefined) return { purged: 0, isComplete: true }
  // Always as many places, so that it is one prepared statement.
  const places = Array.from({ length: MAX_ROWS }, (_, place) => ids[place] ?? last)
  await database.execute(DELETE, places)
  return { purged: ids.length, isComplete: ids.length < MAX_ROWS }
}
