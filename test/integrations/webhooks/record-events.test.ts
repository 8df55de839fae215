import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { migrate } from '../../../src/catalogue/migrate.ts'
import type { Config } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { createEventRecorder, type Delivery } from '../../../src/integrations/webhooks/receive/record-events.ts'
import type { Database } from '../../../src/platform/database/database.ts'
import { deliverEvent, eventOf, type Receipt, SECRET } from '../../support/deliver-webhook.ts'
import { listen } from '../../support/exchange.ts'
import { privateMysql, privateRedis } from '../../support/private-engines.ts'
import { proxied } from '../../support/proxied.ts'
import { startService, toEnvironment } from '../../support/service.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'
import { waitFor } from '../../support/wait-for.ts'

const SETTINGS = { WEBHOOK_SECRET: SECRET }

const config = await testConfig(t, SETTINGS)
const connection = await testConnection(t, config)

interface Row extends RowDataPacket {
  count: number
  duplicates: string | null
}

async function countOf(eventId: string, on: Connection = connection) {
  const statement = 'SELECT COUNT(*) AS count, SUM(duplicates) AS duplicates FROM webhook_events WHERE event_id = ?'
  const [[row]] = await on.query<Row[]>(statement, [eventId])
  return { count: row?.count, duplicates: Number(row?.duplicates) }
}

t.test('of two hundred simultaneous deliveries to four instances, one is the first', async (t) => {
  const urls = await Promise.all(Array.from({ length: 4 }, async () => listen(await testApp(t, config))))
  const event = eventOf({ id: 'at-once' })
  const unavailable: unknown[] = []
  /** Delivers until that succeeds, as senders do: the machine may be too busy. */
  async function deliverUntilRecorded(url: string): Promise<Receipt> {
    const receipt = await deliverEvent(url, event)
    if (receipt.httpStatus !== 503) return receipt
    unavailable.push(receipt.json.code)
    return await deliverUntilRecorded(url)
  }
  const receipts = await Promise.all(
    Array.from({ length: 200 }, (_, number) => deliverUntilRecorded(urls[number % 4] ?? ''))
  )
  const { accepted = [], duplicate = [] } = Object.groupBy(receipts, ({ json }) => String(json.status))
  t.equal(accepted.length + duplicate.length, 200)
  t.ok(accepted.length === 1 || (accepted.length === 0 && unavailable.length > 0), `${accepted.length}; ${unavailable}`)
  t.match(await countOf('at-once'), { count: 1, ...(unavailable.length === 0 && { duplicates: 199 }) })
})

t.test('a locked event does not keep others from being recorded', async (t) => {
  const url = await listen(await testApp(t, { ...config, webhooks: { ...config.webhooks, isWorkerEnabled: false } }))
  const held = eventOf({ id: 'held' })
  await deliverEvent(url, held)
  const holder = await testConnection(t, config)
  await holder.beginTransaction()
  const [[row]] = await connection.query<RowDataPacket[]>("SELECT id FROM webhook_events WHERE event_id = 'held'")
  await holder.query('SELECT id FROM webhook_events WHERE id = ? FOR UPDATE', [row?.id])
  const [again, ...others] = await Promise.all([
    deliverEvent(url, held),
    ...Array.from({ length: 50 }, (_, number) => deliverEvent(url, eventOf({ id: `beside-${number}` })))
  ])
  t.match(again, { httpStatus: 503 })
  t.same([...new Set(others.map(({ json }) => json.status))], ['accepted'])
  await holder.rollback()
  t.match(await deliverEvent(url, held), { httpStatus: 200, json: { status: 'duplicate' } })
})

t.test('a delivery that cannot be recorded is a 503, and is recorded when it is repeated', async (t) => {
  const { config: behindProxies, mysql } = await proxied(t, config)
  const url = await listen(await testApp(t, behindProxies))
  t.equal((await deliverEvent(url, eventOf())).httpStatus, 200)

  async function isUnavailable(event: object) {
    const { httpStatus, headers } = await deliverEvent(url, event)
    t.equal(httpStatus, 503)
    t.match(headers.get('retry-after'), /^[1-9][0-9]*$/)
  }

  const stalled = eventOf()
  mysql.stall()
  await isUnavailable(stalled)
  const refused = eventOf()
  await mysql.refuse()
  await isUnavailable(refused)
  mysql.pass()
  for (const event of [stalled, refused]) {
    await waitFor('it is recorded', async () => (await deliverEvent(url, event)).httpStatus === 200)
    t.equal((await countOf(event.id)).count, 1)
  }
})

t.test('duplicates are found after Redis has lost everything, and while it is down', async (t) => {
  const redis = await privateRedis(t)
  const own = { ...config, redis: { ...config.redis, url: redis.socketPath } }
  const app = await testApp(t, own)
  const url = await listen(app)
  const event = eventOf()
  t.equal((await deliverEvent(url, event)).json.status, 'accepted')
  await app.redis.flushall()
  t.equal((await deliverEvent(url, event)).json.status, 'duplicate')
  await redis.kill()
  t.equal((await deliverEvent(url, event)).json.status, 'duplicate')
  t.equal((await deliverEvent(url, eventOf())).json.status, 'accepted')
  t.same(await countOf(event.id), { count: 1, duplicates: 2 })
})

t.test('acknowledged events survive a kill of the database server', async (t) => {
  const engine = await privateMysql(t)
  const database = 'aisle_inbox'
  const connect = () => mysql.createConnection({ socketPath: engine.socketPath, user: 'root' })
  const admin = await connect()
  await admin.query(`CREATE DATABASE ${database}`)
  await admin.end()
  const own = loadConfig({
    ...toEnvironment(config),
    ...SETTINGS,
    DB_SOCKET: engine.socketPath,
    DB_USER: 'root',
    DB_NAME: database
  })
  await migrate(own.mysql)
  const { url } = await startService(t, { ...toEnvironment(own), ...SETTINGS, LOG_LEVEL: 'info' })
  const acknowledged: string[] = []
  const unanswered: object[] = []
  /** Delivers one event after the other until one is not acknowledged. */
  async function deliverOn() {
    for (;;) {
      const event = eventOf()
      const { httpStatus } = await deliverEvent(url, event)
      if (httpStatus !== 200) return unanswered.push(event)
      acknowledged.push(event.id)
    }
  }
  const senders = Array.from({ length: 4 }, deliverOn)
  await waitFor('some events are acknowledged', () => acknowledged.length > 20)
  await engine.kill()
  await Promise.all(senders)
  await engine.start()
  const after = await connect()
  t.teardown(() => after.end())
  const [rows] = await after.query<RowDataPacket[]>(`SELECT event_id FROM ${database}.webhook_events`)
  const recorded = new Set(rows.map(({ event_id }) => event_id))
  t.same(
    acknowledged.filter((id) => !recorded.has(id)),
    [],
    `${acknowledged.length} acknowledged`
  )
  for (const event of unanswered) {
    await waitFor('it is recorded', async () => (await deliverEvent(url, event)).httpStatus === 200)
  }
  const [[{ count } = { count: 0 }]] = await after.query<Row[]>(
    `SELECT COUNT(*) AS count FROM ${database}.webhook_events`
  )
  t.equal(count, acknowledged.length + unanswered.length)
})

const delivery: Delivery = {
  eventId: 'direct',
  type: 'product.deleted',
  occurredAtMs: Date.UTC(2026, 2, 1),
  body: Buffer.from('{}'),
  scheme: 'plain',
  secretNumber: 1
}

t.test('an event that is purged while it is delivered again is new', async (t) => {
  const { database } = await testApp(t, config)
  const purging: Pick<Database, 'execute'> = {
    async execute(sql, params) {
      if (sql.startsWith('UPDATE')) await connection.query('DELETE FROM webhook_events')
      return await database.execute(sql, params)
    }
  }
  const record = createEventRecorder({ database: purging, onFailure: (error) => t.fail('it failed', { error }) })
  t.equal(await record(delivery), 'accepted')
  t.equal(await record(delivery), 'accepted')
  t.same(await countOf(delivery.eventId), { count: 1, duplicates: 0 })
})

t.test('a delivery that cannot be recorded within a second is a 503', async (t) => {
  const { startTimeout, advance } = createVirtualTime()
  const record = createEventRecorder({
    database: { execute: () => new Promise(() => {}) },
    onFailure: (error) => t.fail('it is not a failure', { error }),
    startTimeout
  })
  let error: unknown
  record(delivery).catch((reason) => {
    error = reason
  })
  await advance(999)
  t.equal(error, undefined)
  await advance(1)
  t.match(error, { code: 'database-timeout', status: 503, headers: { 'retry-after': '1' } })
})

t.test('an error that no sender can fix is reported, and is a 503 for the sender', async (t) => {
  const { database } = await testApp(t, await withoutSpace(config))
  const failures: unknown[] = []
  const record = createEventRecorder({ database, onFailure: (error) => failures.push(error) })
  await t.rejects(record({ ...delivery, eventId: 'full' }), { code: 'database-unavailable', status: 503 })
  t.match(failures, [{ code: 'ER_DATA_TOO_LONG' }])
})

/** The nearest thing to a full disk: a table in which no body has room. */
async function withoutSpace(config: Config): Promise<Config> {
  const own = await testConfig(t, SETTINGS)
  const admin = await testConnection(t, own)
  await admin.query('ALTER TABLE webhook_events MODIFY body VARBINARY(1) NOT NULL')
  return { ...config, mysql: own.mysql }
}
