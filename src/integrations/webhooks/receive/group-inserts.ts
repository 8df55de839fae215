import { databaseTimeout } from '../../../platform/database/database-error.ts'
import { AppError } from '../../../platform/errors/app-error.ts'

/** Of rows, so that there are few prepared statements. */
const GROUP_SIZES = [64, 32, 16, 8, 4, 2, 1]
/** Of one statement, unless one row has more; a fraction of what servers take. */
const GROUP_BYTES = 2 ** 20
/** Of all that waits. */
const WAITING_BYTES = 2 ** 25

interface GroupInsertOptions<Row> {
  keyOf: (row: Row) => string
  /**
   * Which of the keys are there already. It waits for no lock.
   * @throws {AppError} when the database does not answer
   */
  findPresent: (keys: readonly string[]) => Promise<ReadonlySet<string>>
  /**
   * Inserts all rows, or none, in one statement.
   * @throws {AppError} when the database does not answer
   */
  insertAll: (rows: readonly Row[]) => Promise<void>
  bytesOf: (row: Row) => number
  /** A row that has waited so long for its statement is not inserted any more. */
  timeoutMs: number
}

interface Waiting<Row> {
  row: Row
  key: string
  bytes: number
  untilMs: number
  resolve: (isNew: boolean) => void
  reject: (error: unknown) => void
}

/**
 * Makes what inserts rows: those that come while a group is under way go together in the next one, which costs not much
 * more than one row (group commit). No row waits for others to come.
 *
 * Rows whose key is there already are found by a look beforehand, as an INSERT would be refused as a whole for one of
 * them, and would wait for whoever holds that row. A group that is refused all the same is tried by halves, so that the
 * others don't go with it.
 * @returns a function that answers once its row is committed: false where there is one with its key already. Throws
 * {AppError} `overloaded`; `database-timeout`; what `findPresent` and `insertAll` throw
 */
export function createGroupInserts<Row>(options: GroupInsertOptions<Row>) {
  const { keyOf, findPresent, insertAll, bytesOf, timeoutMs } = options
  let waiting: Waiting<Row>[] = []
  let waitingBytes = 0
  let isUnderWay = false

  function insert(row: Row): Promise<boolean> {
    const bytes = bytesOf(row)
    if (waitingBytes + bytes > WAITING_BYTES) return Promise.reject(tooManyWaiting())
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    waiting.push({ row, key: keyOf(row), bytes, untilMs: performance.now() + timeoutMs, resolve, reject })
    waitingBytes += bytes
    startNext()
    return promise
  }

  function startNext(): void {
    if (isUnderWay) return
    dropLate()
    const group = takeGroup()
    if (group.length === 0) return
    isUnderWay = true
    record(group).finally(() => {
      isUnderWay = false
      startNext()
    })
  }

  /** Who has waited longest is at the head. */
  function dropLate(): void {
    const now = performance.now()
    const firstInTime = waiting.findIndex(({ untilMs }) => untilMs > now)
    for (const { reject } of remove(new Set(firstInTime === -1 ? waiting : waiting.slice(0, firstInTime)))) {
      reject(databaseTimeout())
    }
  }

  /** Of several with one key the first: the others wait for the next group, and find it there. */
  function takeGroup(): Waiting<Row>[] {
    const fitting = new Map<string, Waiting<Row>>()
    let bytes = 0
    for (const one of waiting) {
      if (fitting.has(one.key)) continue
      bytes += one.bytes
      if (fitting.size === GROUP_SIZES[0] || (fitting.size > 0 && bytes > GROUP_BYTES)) break
      fitting.set(one.key, one)
    }
    const size = GROUP_SIZES.find((size) => size <= fitting.size) ?? 0
    return remove(new Set([...fitting.values()].slice(0, size)))
  }

  function remove(taken: ReadonlySet<Waiting<Row>>): Waiting<Row>[] {
    if (taken.size === 0) return []
    for (const { bytes } of taken) waitingBytes -= bytes
    waiting = waiting.filter((one) => !taken.has(one))
    return [...taken]
  }

  async function record(group: readonly Waiting<Row>[]): Promise<void> {
    try {
      const present = await findPresent(group.map(({ key }) => key))
      for (const { key, resolve } of group) if (present.has(key)) resolve(false)
      const absent = group.filter(({ key }) => !present.has(key))
      if (absent.length > 0) await insertGroup(absent)
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  async function insertGroup(group: readonly Waiting<Row>[]): Promise<void> {
    try {
      await insertAll(group.map(({ row }) => row))
      for (const { resolve } of group) resolve(true)
    } catch (error) {
      const [first, ...others] = group
      if (!(error instanceof AppError) && others.length > 0) {
        const half = Math.ceil(group.length / 2)
        await Promise.all([insertGroup(group.slice(0, half)), insertGroup(group.slice(half))])
      } else if (isDuplicate(error)) {
        first?.resolve(false)
      } else {
        for (const { reject } of group) reject(error)
      }
    }
  }

  return insert
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ER_DUP_ENTRY'
}

function tooManyWaiting(): AppError {
  return new AppError('overloaded', 'Too many webhooks wait for the database.', { retryAfterSeconds: 1 })
}
