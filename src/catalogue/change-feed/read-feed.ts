import type { Database } from '../../platform/database/database.ts'
import { datetimeToTimestamp } from '../../platform/database/datetime.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import type { Change } from '../change-log/change.ts'
import { type LogRow, readChanges, readHead } from '../change-log/read-changes.ts'
import { BEGINNING, type ChangeFeedPosition, invalidCursor, rowStamp } from './feed-cursor.ts'

/** A change with its time, RFC 3339. */
export type FeedChange = Pick<Change, 'type' | 'id' | 'sku'> & { at: string }

export interface FeedStretch {
  /** In the order of their commits. */
  changes: FeedChange[]
  /** Where it ends. */
  next: ChangeFeedPosition
  hasMore: boolean
}

/** A row holds from one change to some hundreds: how many rows make a page shows from the first ones. */
const FIRST_ROWS = 4
const MAX_ROWS = 100

/**
 * Reads from a position on: as many changes as are numbered, up to a limit, also of a part of a row.
 * @throws {AppError} `cursor-expired` when the log does not reach back to the position any longer, `invalid-cursor`
 * when the position is not one of this log
 */
export async function readFeed(database: Database, from: ChangeFeedPosition, limit: number): Promise<FeedStretch> {
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

/** How many rows are likely to fill the page; one at least, which shows whether there is more. */
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

/** Why the log does not go on from a position: it is older than the log, or was never reached. */
async function findReason(database: Database, { seq }: ChangeFeedPosition): Promise<AppError> {
  if (seq > (await readHead(database))) return invalidCursor()
  const what = seq === 0 ? 'Its beginning' : 'What follows the cursor'
  return new AppError(
    'cursor-expired',
    `${what} is not in the change log any longer. Export the catalogue anew, and go on from the cursor of the export.`
  )
}
