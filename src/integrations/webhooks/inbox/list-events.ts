import {
  EVENT_STATUSES,
  STORED_LIMIT_DEFAULT,
  type StoredWebhookEventPage,
  type StoredWebhookEventsQuery
} from '../../../../schemas/webhook-inbox.ts'
import type { Database } from '../../../platform/database/database.ts'
import { parameterError } from '../../../platform/errors/app-error.ts'
import { createCursorCodec, shortHash } from '../../../platform/lib/opaque-cursor.ts'
import { type StoredEventRow, storedEventColumns, toStoredEvent } from './stored-event.ts'

type Filters = Pick<StoredWebhookEventsQuery, 'status' | 'type'>

/** Rows that an index has in the order of their ids. */
interface Walk {
  index: string
  where: string
  params: readonly string[]
}

/** Above all of them. */
const END = '9223372036854775807'

/**
 * The payload of a cursor, whose zeros have no meaning:
 *
 *     zero 1 | fingerprint of the filters 8 | zeros 16 | id of the last event n
 */
const codec = createCursorCodec({ version: 1 })
const FINGERPRINT_AT = 1
const ZEROS_AT = 9
const ID_AT = 25

/**
 * Lists events, the last that came first. However deep the page and whatever the filters, it costs the rows that it has:
 * they come from the end of an index, or of several, where there is a status in each.
 * @throws {AppError} `invalid-cursor`, `cursor-mismatch`
 */
export async function listEvents(
  database: Pick<Database, 'execute'>,
  { limit = STORED_LIMIT_DEFAULT, cursor, ...filters }: StoredWebhookEventsQuery
): Promise<StoredWebhookEventPage> {
  const before = cursor === undefined ? END : decodeCursor(cursor, filters)
  const rowLimit = String(limit + 1)
  const walks = walksOf(filters)
  const ids = walks.map(
    ({ index, where }) =>
      `(SELECT id FROM webhook_events FORCE INDEX (${index}) WHERE ${where} AND id < ? ORDER BY id DESC LIMIT ?)`
  )
  const rows = await database.execute<StoredEventRow>(
    `SELECT ${storedEventColumns} FROM (${ids.join(' UNION ALL ')}) AS found JOIN webhook_events USING (id)
     ORDER BY id DESC LIMIT ?`,
    [...walks.flatMap(({ params }) => [...params, before, rowLimit]), rowLimit]
  )
  const data = rows.slice(0, limit).map(toStoredEvent)
  const last = rows.length > limit ? data.at(-1) : undefined
  const nextCursor = last ? encodeCursor(last.id, filters) : null
  return { data, pagination: { limit, hasMore: nextCursor !== null, nextCursor } }
}

function encodeCursor(id: string, filters: Filters): string {
  const payload = Buffer.alloc(ID_AT)
  payload.set(fingerprintFilters(filters), FINGERPRINT_AT)
  return codec.encode(Buffer.concat([payload, Buffer.from(id)]))
}

/** Reads the id of the event that a page comes after. */
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

function walksOf({ status, type }: Filters): Walk[] {
  if (type !== undefined) {
    const statuses = status === undefined ? EVENT_STATUSES : [status]
    return statuses.map((one) => {
      return { index: 'webhook_events_type', where: 'type = ? AND status = ?', params: [type, one] }
    })
  }
  if (status === undefined) return [{ index: 'PRIMARY', where: 'TRUE', params: [] }]
  // Nobody has a lease but for what is processed, which is little: the rest of the index is in order.
  const where = status === 'processing' ? 'status = ?' : 'status = ? AND lease_until IS NULL'
  return [{ index: 'webhook_events_lease', where, params: [status] }]
}
