import type { Connection } from 'mysql2/promise'
import type { Database } from '../../platform/database/database.ts'
import { padValues, placeholders } from '../../platform/database/statement-values.ts'
import { isLostRace } from '../../platform/database/transaction.ts'

/** The values of a product that decide in which lists it appears, and where. Times are RFC 3339. */
export interface ListingKey {
  name: string
  category: string | null
  price: number
  createdAt: string
  updatedAt: string
}

/** A change of one product, as the change log has it. */
export interface Change {
  type: 'upsert' | 'delete'
  /** The id of the product, 32 hexadecimal digits. */
  id: string
  sku: string | null
  /** What decided, and decides, in which lists the product appears; undefined when the writer did not log it. */
  listingKeys?: ListingKeys
}

/** The listing keys of a product before and after a change; null where it did not, or does not, exist. */
export type ListingKeys = readonly [before: ListingKey | null, after: ListingKey | null]

/** Small rows keep the statements of readers small. */
const CHANGES_PER_ROW = 500
const ID_LENGTH = 32
const signs = { upsert: '+', delete: '-' } as const

/**
 * Appends changes to the log. Call this in the transaction that makes them, after they are made: the changes of one product
 * then follow the order of its row lock.
 * @param changedAt a `DATETIME(3)` of the database, as text in UTC
 */
export async function appendChanges(
  connection: Connection,
  changes: readonly Change[],
  changedAt: string
): Promise<void> {
  for (let start = 0; start < changes.length; start += CHANGES_PER_ROW) {
    const entries = encodeChanges(changes.slice(start, start + CHANGES_PER_ROW))
    await connection.query('INSERT INTO product_changes (changed_at, entries) VALUES (?, ?)', [changedAt, entries])
  }
}

/**
 * Writes the entries of a row of the log, one line for each change: a sign, the id and the sku, if there is one, which is
 * never empty; then, if the listing keys are known, a tab and the keys in JSON.
 */
export function encodeChanges(changes: readonly Change[]): string {
  return changes
    .map(({ type, id, sku, listingKeys }) => {
      const line = `${signs[type]}${id}${sku ?? ''}`
      return listingKeys === undefined ? line : `${line}\t${JSON.stringify(listingKeys.map(toTuple))}`
    })
    .join('\n')
}

/** Reads the entries of a row of the log, as `encodeChanges` writes them. */
export function decodeChanges(entries: string): Change[] {
  return entries.split('\n').map((line) => {
    const [start = '', listingKeys] = line.split('\t', 2)
    const change = {
      type: start.startsWith(signs.delete) ? ('delete' as const) : ('upsert' as const),
      id: start.slice(1, 1 + ID_LENGTH),
      sku: start.slice(1 + ID_LENGTH) || null
    }
    return listingKeys === undefined ? change : { ...change, listingKeys: JSON.parse(listingKeys).map(fromTuple) }
  })
}

type ListingKeyTuple = [name: string, category: string | null, price: number, createdAt: string, updatedAt: string]

function toTuple(key: ListingKey | null): ListingKeyTuple | null {
  return key && [key.name, key.category, key.price, key.createdAt, key.updatedAt]
}

function fromTuple(tuple: ListingKeyTuple | null): ListingKey | null {
  if (tuple === null) return null
  const [name, category, price, createdAt, updatedAt] = tuple
  return { name, category, price, createdAt, updatedAt }
}

/** The most rows that one statement numbers. */
const MAX_NUMBERED_ROWS = 50

// The index is forced: to avoid a small sort, the server may otherwise read the whole log.
const FIND_UNNUMBERED = `SELECT id, (SELECT COALESCE(MAX(seq), 0) FROM product_changes) AS head
  FROM product_changes FORCE INDEX (product_changes_seq) WHERE seq IS NULL ORDER BY id LIMIT ${MAX_NUMBERED_ROWS}`
// By primary key: any other access path locks other rows too, and waits for open transactions.
const NUMBER = `UPDATE product_changes FORCE INDEX (PRIMARY) SET seq = ? + FIELD(id, ${placeholders(MAX_NUMBERED_ROWS)})
  WHERE id IN (${placeholders(MAX_NUMBERED_ROWS)}) AND seq IS NULL`

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
    const rows = await database.execute<{ id: number; head: number }>(FIND_UNNUMBERED, [])
    const [first] = rows
    if (first === undefined) return
    const ids = rows.map(({ id }) => String(id))
    const isDone = await numberRows(database, ids, Number(first.head))
    if (isDone && rows.length < MAX_NUMBERED_ROWS) return
  }
}

/** Returns false when another instance was faster. */
async function numberRows(database: Database, ids: readonly string[], head: number): Promise<boolean> {
  const padded = padValues(ids, MAX_NUMBERED_ROWS)
  try {
    await database.execute(NUMBER, [String(head), ...padded, ...padded])
    return true
  } catch (error) {
    if (!isLostRace(error)) throw error
    return false
  }
}

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

const MAX_READ_ROWS = 100

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
  maxRows = MAX_READ_ROWS
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

/** The most rows that one statement deletes. A row can have 100 KiB. */
const MAX_PURGED_ROWS = 100

const FIND_OLD = `SELECT id, changed_at < ? AS is_old FROM product_changes FORCE INDEX (product_changes_seq)
  WHERE seq > 0 ORDER BY seq LIMIT ${MAX_PURGED_ROWS + 1}`
// By primary key: by number it would lock the gap below the lowest one, where every writer inserts. Without the last
// condition, which is always true here, MariaDB scans the whole log, and waits for open transactions.
const DELETE = `DELETE doomed FROM product_changes AS doomed FORCE INDEX (PRIMARY)
  WHERE doomed.id IN (${placeholders(MAX_PURGED_ROWS)}) AND doomed.seq IS NOT NULL`

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
  const rows = await database.execute<{ id: number; is_old: number }>(FIND_OLD, [before])
  const firstKept = rows.findIndex(({ is_old }) => is_old === 0)
  const old = firstKept === -1 ? rows : rows.slice(0, firstKept)
  const ids = old.slice(0, -1).map(({ id }) => String(id))
  if (ids.length === 0) return { purged: 0, isComplete: true }
  await database.execute(DELETE, padValues(ids, MAX_PURGED_ROWS))
  return { purged: ids.length, isComplete: ids.length < MAX_PURGED_ROWS }
}
