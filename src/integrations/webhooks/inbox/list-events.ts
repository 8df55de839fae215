import {
  EVENT_STATUSES,
  STORED_LIMIT_DEFAULT,
  type StoredWebhookEventPage,
  type StoredWebhookEventsQuery
} from '../../../../schemas/webhook-inbox.ts'
import { decodeCursor, encodeCursor, fingerprintQuery } from '../../../catalogue/listing/query/cursor.ts'
import type { Database } from '../../../platform/database/database.ts'
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
/** Of the parts of a cursor, ids of the inbox are its value. */
const POSITION = { id: Buffer.alloc(16), inclusive: false, backward: false }

/**
 * Lists events, the last that came first. However deep the page and whatever the filters, it costs the rows that it has:
 * they come from the end of an index, or of several, where there is a status in each.
 * @throws {AppError} `invalid-cursor`, `cursor-mismatch`
 */
export async function listEvents(
  database: Pick<Database, 'execute'>,
  { limit = STORED_LIMIT_DEFAULT, cursor, ...filters }: StoredWebhookEventsQuery
): Promise<StoredWebhookEventPage> {
  const query = fingerprintQuery(['webhook-events', filters.status, filters.type])
  const before = cursor === undefined ? END : decodeCursor(cursor, query).value
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
  const nextCursor = last ? encodeCursor({ ...POSITION, value: last.id }, query) : null
  return { data, pagination: { limit, hasMore: nextCursor !== null, nextCursor } }
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
