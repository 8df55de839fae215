import type { Database } from '../../platform/database/database.ts'
import { type Change, decodeChanges } from './change.ts'

/** The number and the changes of a row of the change log: the changes of one transaction, or some of them. */
export interface LoggedChanges {
  seq: number
  changes: Change[]
}

/** A row of the change log that has a number. */
export interface LogRow extends LoggedChanges {
  id: number
  /** When the changes were made: a `DATETIME(3)` of the database, as text in UTC. */
  changedAt: string
}

/** A section of the change log, in the order of its numbers. */
export interface LogStep {
  /** The row before the section; undefined at the start of the log. */
  origin: LogRow | undefined
  rows: LogRow[]
  /** Whether the section reaches the end of the log. */
  isComplete: boolean
}

interface StoredRow {
  seq: number
  id: number
  changed_at: string
  entries: string
}

const MAX_ROWS = 100

/** Reads the highest number of the change log; 0 while it has none. */
export async function readHead(database: Pick<Database, 'execute'>): Promise<number> {
  const [row] = await database.execute<{ head: number }>(
    'SELECT COALESCE(MAX(seq), 0) AS head FROM product_changes',
    []
  )
  return Number(row?.head ?? 0)
}

/**
 * Reads the rows of the change log that follow a number.
 * @param maxRows how many rows to read at most
 * @returns undefined when the log no longer has that number: it was purged, or the database was restored
 */
export async function readChanges(
  database: Pick<Database, 'execute'>,
  since: number,
  maxRows = MAX_ROWS
): Promise<LogStep | undefined> {
  // Reads row `since` as well. It is there unless it was purged for its age, or this is another log. Row 0 does not exist;
  // row 1 follows it.
  const stored = await database.execute<StoredRow>(
    `SELECT seq, id, changed_at, IF(seq = ?, '', entries) AS entries FROM product_changes
      WHERE seq >= ? ORDER BY seq LIMIT ?`,
    [String(since), String(since), String(maxRows + 1)]
  )
  const rows = stored.map(toLogRow)
  const origin = since > 0 ? rows.shift() : undefined
  const isContinued = since > 0 ? origin?.seq === since : (rows[0]?.seq ?? 1) === 1
  return isContinued ? { origin, rows, isComplete: rows.length < maxRows } : undefined
}

function toLogRow({ seq, id, changed_at, entries }: StoredRow): LogRow {
  return { seq, id, changedAt: changed_at, changes: decodeChanges(entries) }
}
