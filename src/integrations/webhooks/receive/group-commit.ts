import { databaseTimeout } from '../../../platform/database/database-error.ts'
import { AppError } from '../../../platform/errors/app-error.ts'

/** The numbers of rows in a statement: a few, as each takes a prepared statement on every connection. */
const GROUP_SIZES = [64, 32, 16, 8, 4, 2, 1]
/** The bytes of rows in one statement, unless a single row has more: a fraction of what servers accept. */
const MAX_GROUP_BYTES = 2 ** 20
/** The bytes of all rows that wait. */
const MAX_WAITING_BYTES = 2 ** 25

interface GroupCommitOptions<Row> {
  /** The unique key of a row. */
  keyOf: (row: Row) => string
  bytesOf: (row: Row) => number
  /**
   * Inserts all rows or none, in one statement that is committed when it returns.
   * @throws {AppError} when the database does not answer; an Error with the code `ER_DUP_ENTRY` when a key exists
   */
  insertAll: (rows: readonly Row[]) => Promise<void>
  /** A row that has waited this long for its statement is not inserted. */
  timeoutMs: number
  /** A monotonic clock. */
  monotonicMs: () => number
}

interface WaitingRow<Row> {
  row: Row
  key: string
  bytes: number
  deadlineMs: number
  resolve: (isNew: boolean) => void
  reject: (error: unknown) => void
}

/**
 * Creates a function that inserts rows by group commit: rows that arrive while a statement is in progress share the next
 * one, which costs little more than a single row. No row waits for others to arrive.
 *
 * A statement that is refused, for a key that exists or a row that cannot be stored, is split in halves, so that one row
 * does not take the others with it.
 * @returns a function that returns once its row is committed; false if a row with its key exists. It throws {AppError}
 * `overloaded`, `database-timeout`, and what `insertAll` throws
 */
export function createGroupCommit<Row>(options: GroupCommitOptions<Row>): (row: Row) => Promise<boolean> {
  const { keyOf, bytesOf, insertAll, timeoutMs, monotonicMs } = options
  let waiting: WaitingRow<Row>[] = []
  let waitingBytes = 0
  let isRunning = false

  async function run(): Promise<void> {
    isRunning = true
    for (let group = takeGroup(); group.length > 0; group = takeGroup()) await insertGroup(group)
    isRunning = false
  }

  /** Takes the rows of the next statement, and drops those that are late. Of rows with one key it takes the first. */
  function takeGroup(): WaitingRow<Row>[] {
    const now = monotonicMs()
    const late = waiting.filter(({ deadlineMs }) => deadlineMs <= now)
    for (const { reject } of late) reject(databaseTimeout())
    const group = new Map<string, WaitingRow<Row>>()
    let bytes = 0
    for (const one of waiting) {
      if (one.deadlineMs <= now || group.has(one.key)) continue
      bytes += one.bytes
      if (group.size === GROUP_SIZES[0] || (group.size > 0 && bytes > MAX_GROUP_BYTES)) break
      group.set(one.key, one)
    }
    const size = GROUP_SIZES.find((size) => size <= group.size) ?? 0
    const taken = [...group.values()].slice(0, size)
    const gone = new Set([...late, ...taken])
    for (const { bytes } of gone) waitingBytes -= bytes
    waiting = waiting.filter((one) => !gone.has(one))
    return taken
  }

  async function insertGroup(group: readonly WaitingRow<Row>[]): Promise<void> {
    try {
      await insertAll(group.map(({ row }) => row))
      for (const { resolve } of group) resolve(true)
    } catch (error) {
      if (error instanceof AppError) for (const { reject } of group) reject(error)
      else if (group.length > 1) await Promise.all(halvesOf(group).map(insertGroup))
      else if (isDuplicate(error)) group[0]?.resolve(false)
      else group[0]?.reject(error)
    }
  }

  return (row) => {
    const bytes = bytesOf(row)
    if (waitingBytes + bytes > MAX_WAITING_BYTES) return Promise.reject(tooManyWaiting())
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    waiting.push({ row, key: keyOf(row), bytes, deadlineMs: monotonicMs() + timeoutMs, resolve, reject })
    waitingBytes += bytes
    if (!isRunning) run()
    return promise
  }
}

function halvesOf<T>(group: readonly T[]): T[][] {
  const half = Math.ceil(group.length / 2)
  return [group.slice(0, half), group.slice(half)]
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ER_DUP_ENTRY'
}

function tooManyWaiting(): AppError {
  return new AppError('overloaded', 'Too many webhooks wait for the database.', { retryAfterSeconds: 1 })
}
