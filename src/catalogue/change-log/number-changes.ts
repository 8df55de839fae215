import type { Database } from '../../platform/database/database.ts'
import { isLostRace } from '../../platform/database/retry-contention.ts'

/** Of one statement. */
const MAX_ROWS = 50
const PLACES = Array.from({ length: MAX_ROWS }, () => '?').join(', ')

// By the index: to avoid a small sort, the server may walk the whole log instead.
const FIND = `SELECT id, (SELECT COALESCE(MAX(seq), 0) FROM product_changes) AS head
  FROM product_changes FORCE INDEX (product_changes_seq) WHERE seq IS NULL ORDER BY id LIMIT ${MAX_ROWS}`
// By the ids: on any other way the server locks rows that are not meant, and waits for open transactions.
const NUMBER = `UPDATE product_changes FORCE INDEX (PRIMARY) SET seq = ? + FIELD(id, ${PLACES})
  WHERE id IN (${PLACES}) AND seq IS NULL`

/**
 * Numbers what has been committed to the log. Afterwards every row that was committed before the call has its number.
 *
 * Rows are committed without a number: the order in which transactions take numbers is not that in which they commit,
 * and whoever reads on from the highest number would miss a slow transaction. Rows that are seen here are committed,
 * and whatever is committed later gets a higher number.
 *
 * Any number of instances may do this at the same time. The numbers follow the highest one that was seen, and are
 * unique: of two instances that have seen the same highest number, one is refused as a whole and looks again. Each
 * statement commits by itself, so an instance that is stopped holds no lock and nobody up.
 * @throws {AppError} when the database does not answer in time
 */
export async function numberChanges(database: Database): Promise<void> {
  for (;;) {
    const rows = await database.execute<{ id: number; head: number }>(FIND, [])
    const [first] = rows
    if (first === undefined) return
    const ids = rows.map(({ id }) => String(id))
    const isDone = await number(database, ids, Number(first.head))
    if (isDone && rows.length < MAX_ROWS) return
  }
}

/** False when another instance was quicker. */
async function number(database: Database, ids: readonly string[], head: number): Promise<boolean> {
  // Always as many places, so that it is one prepared statement; the last id fills those that are left.
  const places = Array.from({ length: MAX_ROWS }, (_, place) => ids[place] ?? ids.at(-1) ?? '')
  try {
    await database.execute(NUMBER, [String(head), ...places, ...places])
    return true
  } catch (error) {
    if (!isLostRace(error)) throw error
    return false
  }
}
