import type { Database } from '../database/database.ts'
import { type Change, decodeChanges } from './change.ts'

/** A numbered row of the log: the changes of one transaction, or a part of them. */
export interface LoggedChanges {
  seq: number
  changes: Change[]
}

interface LogRow {
  seq: number
  entries: string
}

const MAX_ROWS = 100

/** The highest number of the log; 0 while it is empty. */
export async function readHead(database: Database): Promise<number> {
  const [row] = await database.execute<{ head: number }>(
    'SELECT COALESCE(MAX(seq), 0) AS head FROM product_changes',
    []
  )
  return Number(row?.head ?? 0)
}

/**
 * Reads what follows a number, up to a hundred rows of the log.
 * @returns `isComplete`: there was nothing more. Undefined when the log does not hold that number any longer: it was
 * purged, or the database was restored
 */
export async function readChanges(
  database: Database,
  since: number
): Promise<{ rows: LoggedChanges[]; isComplete: boolean } | undefined> {
  // With the row of `since` itself, which the log never loses as long as it is the log that it was; 0 has none, and is
  // followed by 1.
  const rows = await database.execute<LogRow>(
    `SELECT seq, IF(seq = ?, '', entries) AS entries FROM product_changes WHERE seq >= ? ORDER BY seq LIMIT ${MAX_ROWS + 1}`,
    [String(since), String(since)]
  )
  const isContinued = since > 0 ? rows.shift()?.seq === since : (rows[0]?.seq ?? 1) === 1
  if (!isContinued) return undefined
  return {
    rows: rows.map(({ seq, entries }) => ({ seq, changes: decodeChanges(entries) })),
    isComplete: rows.length < MAX_ROWS
  }
}
