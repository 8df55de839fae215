import { hash } from 'node:crypto'
import { EVENT_TYPES, type WebhookReceipt } from '../../../../schemas/webhooks.ts'
import { WEBHOOK_RECORD_TIMEOUT_MS } from '../../../config/limits.ts'
import type { Database, Params } from '../../../platform/database/database.ts'
import { databaseTimeout, databaseUnavailable } from '../../../platform/database/database-error.ts'
import { retryContention } from '../../../platform/database/transaction.ts'
import { AppError } from '../../../platform/errors/app-error.ts'
import { type StartTimeout, withTimeLimit } from '../../../platform/lib/time-limit.ts'
import { toDatetime } from '../../../platform/lib/timestamps.ts'
import type { SignatureScheme } from './verify-signature.ts'

/** A delivery whose signature is valid, and whose body has the envelope of an event. */
export interface Delivery {
  eventId: string
  type: string
  /** Unix time. */
  occurredAtMs: number
  /** The bytes as they arrived. */
  body: Buffer
  scheme: SignatureScheme
  /** The secret it was signed with, by its position in the configuration, from 1. */
  secretNumber: number
}

interface RecorderOptions {
  database: Pick<Database, 'execute'>
  /** Called with errors that no sender can fix, such as a full disk. */
  onFailure: (error: unknown) => void
  /** A monotonic clock. */
  monotonicMs?: () => number
  /** Starts the time limits. */
  startTimeout?: StartTimeout
}

interface Row extends Delivery {
  bodyHash: Buffer
  isIgnored: boolean
}

/** Event ids are unique within a source, and there is one source. */
const SOURCE = 'default'
const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES)

const INSERT = `INSERT INTO webhook_events
  (source, event_id, type, occurred_at, body, body_hash, scheme, secret_number,
    status, next_attempt_at, received_at, finished_at)
  VALUES `
const ROW = `('${SOURCE}', ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), IF(?, UTC_TIMESTAMP(3), NULL))`
const FIND = `SELECT id FROM webhook_events WHERE source = '${SOURCE}' AND event_id = ?`
// By the primary key: in the index of event ids it would also lock the gap before the event, where others are inserted.
const COUNT_DUPLICATE = `UPDATE webhook_events
  SET duplicates = duplicates + 1, has_conflict = has_conflict OR body_hash <> ? WHERE id = ?`

/**
 * Creates the recorder of deliveries. It records each event once: the unique key decides which of several deliveries is
 * the first, in whichever instances they arrive. When it returns, the event is committed.
 * @returns a function that throws {AppError} 503 when it cannot find out within a second whether the delivery is recorded.
 * The sender delivers again then; if it was recorded after all, that delivery is a duplicate
 */
export function createEventRecorder(
  options: RecorderOptions
): (delivery: Delivery) => Promise<WebhookReceipt['status']> {
  const { database, onFailure, monotonicMs = () => performance.now(), startTimeout } = options
  const insert = createGroupCommit<Row>({
    keyOf: ({ eventId }) => eventId,
    bytesOf: ({ body }) => body.length,
    async insertAll(rows) {
      const sql = INSERT + rows.map(() => ROW).join(', ')
      // Simultaneous inserts of one key deadlock when the first of them is rolled back.
      await retryContention(() => database.execute(sql, rows.flatMap(toParams)))
    },
    timeoutMs: WEBHOOK_RECORD_TIMEOUT_MS,
    monotonicMs
  })

  async function record(delivery: Delivery): Promise<WebhookReceipt['status']> {
    const bodyHash = hash('sha256', delivery.body, 'buffer')
    const isIgnored = !KNOWN_TYPES.has(delivery.type)
    for (;;) {
      if (await insert({ ...delivery, bodyHash, isIgnored })) return isIgnored ? 'ignored' : 'accepted'
      if (await countDuplicate(delivery.eventId, bodyHash)) return 'duplicate'
      // The first delivery was purged in between, so this one is new again.
    }
  }

  /**
   * Counts a duplicate, without a transaction, which would keep the row from the next of many simultaneous duplicates.
   * @returns false if the event no longer exists
   */
  async function countDuplicate(eventId: string, bodyHash: Buffer): Promise<boolean> {
    const [found] = await database.execute<{ id: number }>(FIND, [eventId])
    if (found === undefined) return false
    await retryContention(() => database.execute(COUNT_DUPLICATE, [bodyHash, String(found.id)]))
    return (await database.execute(FIND, [eventId])).length > 0
  }

  return async (delivery) => {
    try {
      return await withTimeLimit(record(delivery), WEBHOOK_RECORD_TIMEOUT_MS, failLate, startTimeout)
    } catch (error) {
      if (error instanceof AppError) throw error
      onFailure(error)
      throw databaseUnavailable(error)
    }
  }
}

function toParams({ eventId, type, occurredAtMs, body, bodyHash, scheme, secretNumber, isIgnored }: Row): Params {
  const event = [eventId, type, toDatetime(occurredAtMs), body, bodyHash, scheme, secretNumber]
  return isIgnored ? [...event, 'ignored', 1] : [...event, 'pending', 0]
}

function failLate(): never {
  throw databaseTimeout()
}

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
