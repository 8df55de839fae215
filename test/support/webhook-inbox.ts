import { createHash } from 'node:crypto'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { retryContention } from '../../src/platform/database/transaction.ts'
import { timestampToDatetime } from '../../src/platform/lib/timestamps.ts'

export interface EventFixture {
  id: string
  type: string
  occurredAt?: string
  data: object
}

export interface InboxRow {
  event_id: string
  status: string
  attempts: number
  last_error: string | null
}

/** Inserts events into the inbox as the receiver does. All of them are due. */
export async function insertEvents(connection: Connection, events: readonly EventFixture[]): Promise<void> {
  const rows = events.map(({ occurredAt = '2026-01-01T00:00:00.000Z', ...event }) => {
    const body = Buffer.from(JSON.stringify({ ...event, occurredAt }))
    const hash = createHash('sha256').update(body).digest()
    return ['default', event.id, event.type, timestampToDatetime(occurredAt), body, hash, 'plain', 1, 'pending']
  })
  for (let start = 0; start < rows.length; start += 1000) {
    await connection.query(
      `INSERT INTO webhook_events
         (source, event_id, type, occurred_at, body, body_hash, scheme, secret_number, status, next_attempt_at, received_at)
       VALUES ${rows
         .slice(start, start + 1000)
         .map(() => '(?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))')
         .join(', ')}`,
      rows.slice(start, start + 1000)
    )
  }
}

/** Reads the inbox, in the order of arrival. */
export async function inbox(connection: Connection): Promise<InboxRow[]> {
  const [rows] = await connection.query<(InboxRow & RowDataPacket)[]>(
    'SELECT event_id, status, attempts, last_error FROM webhook_events ORDER BY id'
  )
  return rows.map((row) => ({ ...row }))
}

/** Counts the events by status. */
export async function statuses(connection: Connection): Promise<Record<string, number>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT status, COUNT(*) AS events FROM webhook_events GROUP BY status'
  )
  return Object.fromEntries(rows.map(({ status, events }) => [status, events]))
}

/** Lets a day pass in the inbox: pending events are due then, and leases have expired. */
export async function letTimePass(connection: Connection): Promise<void> {
  // A worker that is at work may win over this statement.
  await retryContention(() =>
    connection.query(
      `UPDATE webhook_events SET next_attempt_at = next_attempt_at - INTERVAL 1 DAY,
       lease_until = lease_until - INTERVAL 1 DAY WHERE status IN ('pending', 'processing')`
    )
  )
}

/**
 * Makes the database refuse every write of a product with this name.
 * @returns a function that allows them again
 */
export async function refuseName(connection: Connection, name: string): Promise<() => Promise<void>> {
  for (const event of ['INSERT', 'UPDATE']) {
    await connection.query(
      `CREATE TRIGGER refuse_${event} BEFORE ${event} ON products FOR EACH ROW
       BEGIN IF NEW.name = '${name}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused by the test'; END IF; END`
    )
  }
  return async () => {
    for (const event of ['INSERT', 'UPDATE']) await connection.query(`DROP TRIGGER refuse_${event}`)
  }
}
