import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import type { Pool } from 'mysql2'
import type { Connection } from 'mysql2/promise'
import { timestampToDatetime } from '../../src/platform/lib/timestamps.ts'
import { type BenchDelivery, nextDelivery } from './deliveries.ts'

const COLUMNS = `(source, event_id, type, occurred_at, body, body_hash, scheme, secret_number, status, next_attempt_at,
  received_at)`
const ROW = "('default', ?, ?, ?, ?, ?, 'standard', 1, 'pending', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))"
const INSERT = `INSERT INTO webhook_events ${COLUMNS} VALUES ${ROW}`
const ROWS_PER_STATEMENT = 500

/**
 * Runs the INSERT of a delivery and nothing else: one loop per connection of the pool, each prepared statement in a
 * transaction of its own.
 * @returns INSERTs per second
 */
export async function runBareInserts(pool: Pool, connections: number, durationMs: number): Promise<number> {
  const execute = promisify((params: (string | Buffer)[], done: (error: Error | null) => void) => {
    pool.execute(INSERT, params, (error) => done(error))
  })
  const endsAt = performance.now() + durationMs
  let inserts = 0
  const loop = async () => {
    while (performance.now() < endsAt) {
      await execute(toParams(nextDelivery()))
      inserts++
    }
  }
  await Promise.all(Array.from({ length: connections }, loop))
  return (inserts / durationMs) * 1000
}

/** Fills the inbox with pending events. */
export async function fillInbox(connection: Connection, events: number): Promise<void> {
  for (let left = events; left > 0; left -= ROWS_PER_STATEMENT) {
    const rows = Array.from({ length: Math.min(left, ROWS_PER_STATEMENT) }, () => toParams(nextDelivery()))
    await connection.query(
      `INSERT INTO webhook_events ${COLUMNS} VALUES ${rows.map(() => ROW).join(', ')}`,
      rows.flat()
    )
  }
}

function toParams({ eventId, type, occurredAt, body }: BenchDelivery): (string | Buffer)[] {
  const bytes = Buffer.from(body)
  return [eventId, type, timestampToDatetime(occurredAt), bytes, hash('sha256', bytes, 'buffer')]
}
