import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { purgeInbox } from '../../../src/integrations/webhooks/inbox/purge-inbox.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const RETENTION_MS = 3_600_000

const config = await testConfig(t, { WEBHOOK_WORKER: 'false' })
const connection = await testConnection(t, config)
const { database } = await testApp(t, config)

async function insert(eventId: string, status: string, finishedHoursAgo: number | null) {
  await connection.query(
    `INSERT INTO webhook_events (source, event_id, type, occurred_at, body, body_hash, scheme, secret_number,
      status, next_attempt_at, received_at, finished_at)
      VALUES ('default', ?, 'product.deleted', '2026-01-01', '{}', REPEAT('h', 32), 'plain', 1,
        ?, UTC_TIMESTAMP(3), '2026-01-01', UTC_TIMESTAMP(3) - INTERVAL ? HOUR)`,
    [eventId, status, finishedHoursAgo]
  )
  await connection.query(
    `INSERT INTO webhook_attempts (webhook_event_id, attempt, failed_at, error)
      VALUES (LAST_INSERT_ID(), 1, '2026-01-01', 'wrong'), (LAST_INSERT_ID(), 2, '2026-01-01', 'wrong')`
  )
}

const rowsOf = async (sql: string) =>
  (await connection.query<RowDataPacket[]>(sql))[0].map((row) => Object.values(row)[0])
const eventIds = () => rowsOf('SELECT event_id FROM webhook_events ORDER BY event_id')
const attemptsOf = () =>
  rowsOf(`SELECT CONCAT(event_id, '/', attempt) FROM webhook_attempts
    LEFT JOIN webhook_events ON webhook_events.id = webhook_event_id ORDER BY 1`)

t.beforeEach(async () => {
  for (const table of ['webhook_events', 'webhook_attempts', 'webhook_rejections'])
    await connection.query(`DELETE FROM ${table}`)
})

t.test('events that finished long ago are deleted with their attempts; unfinished ones stay', async (t) => {
  for (const status of ['done', 'stale', 'ignored', 'dead']) await insert(`old-${status}`, status, 2)
  await insert('new', 'done', 0)
  await insert('pending', 'pending', null)
  for (const hours of [2, 0]) {
    await connection.query(
      `INSERT INTO webhook_rejections VALUES (UTC_TIMESTAMP() - INTERVAL ? HOUR, 'wrong', 1, '[]')`,
      [hours]
    )
  }
  t.same(await purgeInbox(database, RETENTION_MS), { purged: 4, isComplete: true })
  t.same(await eventIds(), ['new', 'pending'])
  t.same(await attemptsOf(), ['new/1', 'new/2', 'pending/1', 'pending/2'])
  t.equal((await rowsOf('SELECT hour FROM webhook_rejections')).length, 1)
  t.same(await purgeInbox(database, RETENTION_MS), { purged: 0, isComplete: true })
})

t.test('a step deletes a hundred events, the oldest first', async (t) => {
  for (let number = 0; number < 120; number++) await insert(`e${number}`, 'done', 200 - number)
  t.same(await purgeInbox(database, RETENTION_MS), { purged: 100, isComplete: false })
  const left = await eventIds()
  t.equal(left.length, 20)
  t.notOk(left.includes('e99'))
  t.same(await purgeInbox(database, RETENTION_MS), { purged: 20, isComplete: true })
  t.same(await attemptsOf(), [])
})

t.test('an event that is replayed during the purge stays', async (t) => {
  await insert('replayed', 'dead', 2)
  const replaying = {
    execute: database.execute,
    async transaction<T>(work: Parameters<typeof database.transaction<T>>[0]) {
      await connection.query(`UPDATE webhook_events SET status = 'pending', finished_at = NULL`)
      return await database.transaction(work)
    }
  }
  await purgeInbox(replaying, RETENTION_MS)
  t.same(await eventIds(), ['replayed'])
  t.same(await attemptsOf(), ['replayed/1', 'replayed/2'])
})
