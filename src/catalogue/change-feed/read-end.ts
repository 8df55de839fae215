import type { Database } from '../../platform/database/database.ts'
import { readChanges, readHead } from '../change-log/read-changes.ts'
import { BEGINNING, type ChangeFeedPosition, rowStamp } from './feed-cursor.ts'

/**
 * The end of the log as it is seen: with products that are read in the same snapshot it makes a complete copy.
 *
 * What the snapshot does not have comes after its highest number. A row of the log is in the snapshot exactly when the
 * change that it tells of is, as both are of one transaction; and a row that is not in it, or has no number there, is
 * numbered later, and numbers only go up. Of these the changes of rows without a number are in the snapshot already, and
 * come again, which harms nobody: a change is told with the state of its product.
 *
 * The purge leaves the highest row. Without any numbered row the end is the beginning: products that nobody has logged
 * are in the snapshot, and all that is logged comes after it.
 */
export async function readEnd(snapshot: Pick<Database, 'execute'>): Promise<ChangeFeedPosition> {
  const seq = await readHead(snapshot)
  const row = seq === 0 ? undefined : (await readChanges(snapshot, seq, 0))?.origin
  return row === undefined ? BEGINNING : { seq, taken: 0, stamp: rowStamp(row) }
}
