import {
  EVENT_STATUSES,
  type EventStatus,
  STORED_LIMIT_DEFAULT,
  type StoredWebhookEvent,
  type StoredWebhookEventDetails,
  type StoredWebhookEventPage,
  type StoredWebhookEventsQuery
} from '../../../../schemas/webhook-inbox.ts'
import type { Database } from '../../../platform/database/database.ts'
import { AppError, parameterError } from '../../../platform/errors/app-error.ts'
import { decodeUtf8 } from '../../../platform/http/request-body.ts'
import { createCursorCodec, shortHash } from '../../../platform/lib/opaque-cursor.ts'
import { datetimeToTimestamp } from '../../../platform/lib/timestamps.ts'
import type { SignatureScheme } from '../receive/verify-signature.ts'

type Filters = Pick<StoredWebhookEventsQuery, 'status' | 'type'>

/** A range of an index that has its rows in the order of their ids. */
interface IndexRange {
  index: string
  where: string
  params: readonly string[]
}

interface EventRow {
  id: number
  event_id: string
  type: string
  status: EventStatus
  attempts: number
  occurred_at: string
  received_at: string
  next_attempt_at: string
  finished_at: string | null
  duplicates: number
  has_conflict: number
  last_error: string | null
}

interface DetailsRow extends EventRow {
  scheme: SignatureScheme
  secret_number: number
  lease_until: string | null
  body: Buffer
}

interface AttemptRow {
  attempt: number
  started_at: string | null
  failed_at: string
  error: string
}

const COLUMNS =
  'id, event_id, type, status, attempts, occurred_at, received_at, next_attempt_at, finished_at, duplicates, ' +
  'has_conflict, last_error'
const FIND = `SELECT ${COLUMNS}, scheme, secret_number, lease_until, body FROM webhook_events WHERE id = ?`
/** The number of failed attempts that are shown, the latest ones. Every replay may add some. */
const SHOWN_ATTEMPTS = '100'
const FIND_ATTEMPTS = `SELECT attempt, started_at, failed_at, error FROM webhook_attempts WHERE webhook_event_id = ?
  ORDER BY failed_at DESC, attempt DESC LIMIT ?`

/** Above all ids. */
const END = '9223372036854775807'

/**
 * The payload of a cursor. The zeros have no meaning:
 *
 *     zero 1 | fingerprint of the filters 8 | zeros 16 | id of the last event n
 */
const codec = createCursorCodec({ version: 1 })
const FINGERPRINT_AT = 1
const ZEROS_AT = 9
const ID_AT = 25

/**
 * Lists events, the latest arrival first. The cost of a page does not depend on its depth or on the filters: its rows come
 * from the end of an index range, or of one range for each status.
 * @throws {AppError} `invalid-cursor`, `cursor-mismatch`
 */
export async function listEvents(
  database: Pick<Database, 'execute'>,
  { limit = STORED_LIMIT_DEFAULT, cursor, ...filters }: StoredWebhookEventsQuery
): Promise<StoredWebhookEventPage> {
  const before = cursor === undefined ? END : decodeCursor(cursor, filters)
  const rowLimit = String(limit + 1)
  const ranges = toRanges(filters)
  const ids = ranges.map(
    ({ index, where }) =>
      `(SELECT id FROM webhook_events FORCE INDEX (${index}) WHERE ${where} AND id < ? ORDER BY id DESC LIMIT ?)`
  )
  const rows = await database.execute<EventRow>(
    `SELECT ${COLUMNS} FROM (${ids.join(' UNION ALL ')}) AS found JOIN webhook_events USING (id)
     ORDER BY id DESC LIMIT ?`,
    [...ranges.flatMap(({ params }) => [...params, before, rowLimit]), rowLimit]
  )
  const data = rows.slice(0, limit).map(toStoredEvent)
  const last = rows.length > limit ? data.at(-1) : undefined
  const nextCursor = last ? encodeCursor(last.id, filters) : null
  return { data, pagination: { limit, hasMore: nextCursor !== null, nextCursor } }
}

/**
 * Finds an event with its body and its failed attempts.
 * @param id its number in the inbox
 * @throws {AppError} `webhook-event-not-found`
 */
export async function findEvent(database: Pick<Database, 'execute'>, id: string): Promise<StoredWebhookEventDetails> {
  const [row] = await database.execute<DetailsRow>(FIND, [id])
  if (row === undefined) throw eventNotFound(id)
  const attempts = await database.execute<AttemptRow>(FIND_ATTEMPTS, [id, SHOWN_ATTEMPTS])
  return {
    ...toStoredEvent(row),
    scheme: row.scheme,
    secretNumber: row.secret_number,
    leaseUntil: row.lease_until && datetimeToTimestamp(row.lease_until),
    failedAttempts: attempts.toReversed().map(({ attempt, started_at, failed_at, error }) => ({
      attempt,
      startedAt: started_at && datetimeToTimestamp(started_at),
      failedAt: datetimeToTimestamp(failed_at),
      error
    })),
    // Only bodies that were read as JSON are recorded.
    body: JSON.parse(decodeUtf8(row.body))
  }
}

/** Creates the error for an event that is not in the inbox. */
export function eventNotFound(id: string): AppError {
  return new AppError('webhook-event-not-found', `There is no webhook event ${id}, or it has been purged.`)
}

function toStoredEvent(row: EventRow): StoredWebhookEvent {
  return {
    id: String(row.id),
    eventId: row.event_id,
    type: row.type,
    status: row.status,
    attempts: row.attempts,
    occurredAt: datetimeToTimestamp(row.occurred_at),
    receivedAt: datetimeToTimestamp(row.received_at),
    nextAttemptAt: row.status === 'pending' ? datetimeToTimestamp(row.next_attempt_at) : null,
    finishedAt: row.finished_at && datetimeToTimestamp(row.finished_at),
    duplicates: row.duplicates,
    hasConflict: row.has_conflict !== 0,
    lastError: row.last_error
  }
}

function toRanges({ status, type }: Filters): IndexRange[] {
  if (type !== undefined) {
    const statuses = status === undefined ? EVENT_STATUSES : [status]
    return statuses.map((one) => {
      return { index: 'webhook_events_type', where: 'type = ? AND status = ?', params: [type, one] }
    })
  }
  if (status === undefined) return [{ index: 'PRIMARY', where: 'TRUE', params: [] }]
  // Only events in processing have a lease, and they are few. Without leases the index is in the order of ids.
  const where = status === 'processing' ? 'status = ?' : 'status = ? AND lease_until IS NULL'
  return [{ index: 'webhook_events_lease', where, params: [status] }]
}

function encodeCursor(id: string, filters: Filters): string {
  const payload = Buffer.alloc(ID_AT)
  payload.set(fingerprintFilters(filters), FINGERPRINT_AT)
  return codec.encode(Buffer.concat([payload, Buffer.from(id)]))
}

/** Reads the id of the event that the page starts after. */
function decodeCursor(cursor: string, filters: Filters): string {
  const payload = codec.decode(cursor)
  if (payload === undefined || payload.length < ID_AT) {
    throw parameterError('cursor', 'was not given out by this service, or is damaged', 'invalid-cursor')
  }
  if (!payload.subarray(FINGERPRINT_AT, ZEROS_AT).equals(fingerprintFilters(filters))) {
    throw parameterError('cursor', 'was given out for other filters', 'cursor-mismatch')
  }
  return payload.toString('utf8', ID_AT)
}

function fingerprintFilters({ status, type }: Filters): Buffer {
  return shortHash(JSON.stringify(['webhook-events', status, type]))
}
