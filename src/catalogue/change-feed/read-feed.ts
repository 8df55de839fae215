import type { Database } from '../../platform/database/database.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { datetimeToTimestamp } from '../../platform/lib/timestamps.ts'
import type { Change } from '../change-log/product-changes.ts'
import { type LogRow, readChanges, readHead } from '../change-log/product-changes.ts'
import { BEGINNING, type ChangeFeedPosition, invalidCursor, rowStamp } from './feed-cursor.ts'

/** A change and its time, RFC 3339. */
export type FeedChange = Pick<Change, 'type' | 'id' | 'sku'> & { at: string }

/** A section of the change feed. */
export interface FeedSection {
  /** In the order of their commits. */
  changes: FeedChange[]
  /** The position at its end. */
  next: ChangeFeedPosition
  hasMore: boolean
}

/** A row has between one and some hundreds of changes: the first rows show how many more a page needs. */
const FIRST_ROWS = 4
const MAX_ROWS = 100

/**
 * Reads the numbered changes after a position, up to a limit; a section may begin and end within a row of the log.
 * @throws {AppError} `cursor-expired` when the changes after the position were purged, `invalid-cursor` when the position
 * is not one of this log
 */
export async function readFeed(database: Database, from: ChangeFeedPosition, limit: number): Promise<FeedSection> {
  const changes: FeedChange[] = []
  let next = from
  let rowsRead = 0
  for (let maxRows = FIRST_ROWS; ; maxRows = estimateRows(rowsRead, changes.length, limit)) {
    const step = await readChanges(database, next.seq, maxRows)
    if (step === undefined) throw await findReason(database, next)
    if (!stampAt(step.origin).equals(next.stamp)) throw invalidCursor()
    for (const row of step.rows) {
      const rest = row.changes.slice(next.taken)
      const room = limit - changes.length
      if (rest.length === 0) throw invalidCursor()
      changes.push(...rest.slice(0, room).map((change) => toFeedChange(row, change)))
      if (rest.length > room) return { changes, next: { ...next, taken: next.taken + room }, hasMore: true }
      next = { seq: row.seq, taken: 0, stamp: rowStamp(row) }
    }
    if (next.taken > 0) throw invalidCursor()
    if (step.isComplete) return { changes, next, hasMore: false }
    rowsRead += step.rows.length
  }
}

/**
 * Reads the position at the end of the log as a snapshot has it. Together with the products of the same snapshot, the
 * changes from there on make a complete copy.
 *
 * Every change that is not in the snapshot gets a number above the highest one in the snapshot: a row of the log and the
 * change itself belong to one transaction, so either both are in the snapshot or neither is; and numbers only increase.
 * Rows in the snapshot that have no number yet are read again later, which does no harm: each change comes with the state
 * of its product.
 *
 * The purge keeps the highest row. If no row has a number, the position is the beginning: the snapshot has the products
 * that nobody logged, and everything logged comes after.
 */
export async function readEnd(snapshot: Pick<Database, 'execute'>): Promise<ChangeFeedPosition> {
  const seq = await readHead(snapshot)
  const row = seq === 0 ? undefined : (await readChanges(snapshot, seq, 0))?.origin
  return row === undefined ? BEGINNING : { seq, taken: 0, stamp: rowStamp(row) }
}

/** Estimates how many rows fill the page: at least one, which shows whether there is more. */
function estimateRows(rowsRead: number, changesRead: number, limit: number): number {
  const rows = Math.ceil((limit - changesRead) * (rowsRead / changesRead))
  return Math.min(Math.max(rows, 1), MAX_ROWS)
}

function stampAt(origin: LogRow | undefined): Buffer {
  return origin === undefined ? BEGINNING.stamp : rowStamp(origin)
}

function toFeedChange({ changedAt }: LogRow, { type, id, sku }: Change): FeedChange {
  return { type, id, sku, at: datetimeToTimestamp(changedAt) }
}

/** Finds out why the log has no such position: it was purged, or was never given out. */
async function findReason(database: Database, { seq }: ChangeFeedPosition): Promise<AppError> {
  if (seq > (await readHead(database))) return invalidCursor()
  const what = seq === 0 ? 'The beginning of the change log' : 'The part of the change log that follows the cursor'
  return new AppError(
    'cursor-expired',
    `${what} is no longer kept. Export the catalogue again, and continue from the cursor of the export.`
  )
}
