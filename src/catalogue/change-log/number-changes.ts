import type { Database } from '../../platform/database/database.ts'
import { padValues, placeholders } from '../../platform/database/placeholders.ts'
import { isLostRace } from '../../platform/database/retry-contention.ts'

/** The most rows that one statement numbers. */
const MAX_ROWS = 50

// The index is forced: to avoid a small sort, the server may otherwise read the whole log.
const FIND = `SELECT id, (SELECT COALESCE(MAX(seq), 0) FROM product_changes) AS head
  FROM product_changes FORCE INDEX (product_changes_seq) WHERE seq IS NULL ORDER BY id LIMIT ${MAX_ROWS}`
// By primary key: any other access path locks other rows too, and waits for open transactions.
const NUMBER = `UPDATE product_changes FORCE INDEX (PRIMARY) SET seq = ? + FIELD(id, ${placeholders(MAX_ROWS)})
  WHERE id IN (${placeholders(MAX_ROWS)}) AND seq IS NULL`

/**
 * Numbers the rows of the change log that have no number yet. Afterwards every row that was committed before the call has
 * one.
 *
 * Rows are committed without a number, because transactions do not commit in the order in which they would take numbers:
 * a reader that continues from the highest number would miss a slow transaction. Rows that are found here are committed,
 * and rows that are committed later get higher numbers.
 *
 * Any number of instances may call this at the same time. Numbers continue from the highest one that was found, and are
 * unique: of two instances that found the same one, the statement of one fails as a whole, and it starts again. Each
 * statement commits by itself, so an instance that stalls holds no lock.
 * @throws {AppError} `database-timeout`, `database-unavailable` or `overloaded` when the database does not answer in time
 */
export async function numberChanges(database: Database): Promise<void> {
  for (;;) {
    const rows = await database.execute<{ id: number; head: number }>(FIND, [])
    const [first] = rows
    if (first === undefined) return
    const ids = rows.map(({ id }) => String(id))
    const isDone = await numberRows(database, ids, Number(first.head))
    if (isDone && rows.length < MAX_ROWS) return
  }
}

/** Returns false when another instance was faster. */
async function numberRows(database: Database, ids: readonly string[], head: number): Promise<boolean> {
  const padded = padValues(ids, MAX_ROWS)
  try {
    await database.execute(NUMBER, [String(head), ...padded, ...padded])
    return true
  } catch (error) {
    if (!isLostRace(error)) throw error
    return false
  }
}
