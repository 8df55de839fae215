import type { Database } from '../../platform/database/database.ts'
import { type Change, decodeChanges } from './change.ts'

/** A numbered row of the log: the changes of one transaction, or a part of them. */
export interface LoggedChanges {
  seq: number
  changes: Change[]
}

/** The same with all that the log has of it. */
export interface LogRow extends LoggedChanges {
  id: number
  /** As the database has it. */
  changedAt: string
}

/** A part of the log, in its order. */
export interface LogStep {
  /** The row that it follows; undefined at the start of the log. */
  origin: LogRow | undefined
  rows: LogRow[]
  /** There was nothing more. */
  isComplete: boolean
}

interface StoredRow {
  seq: number
  id: number
  changed_at: string
  entries: string
}

const MAX_ROWS = 100

/** The highest number of the log; 0 while it is empty. */
export async function readHead(database: Pick<Database, 'execute'>): Promise<number> {
  const [row] = await database.execute<{ head: number }>(
    'SELECT COALESCE(MAX(seq), 0) AS head FROM product_changes',
    []
  )
  return Number(row?.head ?? 0)
}

/**
 * Reads what follows a number, up to so many rows of the log.
 * @returns undefined when the log does not hold that number any longer: it was purged, or the database was restored
 */
export async function readChanges(
  database: Pick<Database, 'execute'>,
  since: number,
  maxRows = MAX_ROWS
): Promise<LogStep | undefined> {
  // With the row of `since` itself, which the log never loses as long as it is the log that it was and this is not long
  // ago (src/changes/purge-changes.ts); 0 has none, and is followed by 1.
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
