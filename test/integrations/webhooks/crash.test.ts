import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { migrate } from '../../../src/catalogue/migrate.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { deliverEvent, deliverUntilRecorded, SECRET } from '../../support/deliver-webhook.ts'
import { type PrivateEngine, privateMysql } from '../../support/private-engines.ts'
import { type Service, startService, toEnvironment } from '../../support/service.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { letTimePass, statuses } from '../../support/webhook-inbox.ts'

const EVENTS = 1000
/** The number of times that the service is killed, and as many that the database server is. */
const KILLS = Number(process.env.TEST_KILLS ?? 2)
const SENDERS = 6
const WAIT_MS = 120_000
/** Longer than the interval in which a worker looks for expired leases. */
const TIME_PASSES_EACH_MS = 7000

t.setTimeout(300_000)

type Config = Awaited<ReturnType<typeof testConfig>>

function start(t: Test, config: Config): Promise<Service> {
  return startService(t, { ...toEnvironment(config), WEBHOOK_SECRET: SECRET, LOG_LEVEL: 'info' })
}

function connect(engine: PrivateEngine, database?: string): Promise<Connection> {
  return mysql.createConnection({ socketPath: engine.socketPath, user: 'root', ...(database && { database }) })
}

async function kill(service: Service): Promise<void> {
  service.signal('SIGKILL')
  await service.exit
}

/** Waits until all events are finished, and lets leases expire and retries become due meanwhile. */
async function untilDone(connection: Connection): Promise<Record<string, number>> {
  let passedAtMs = performance.now()
  return await waitFor(
    'all events are finished',
    async () => {
      const { pending = 0, processing = 0, ...ended } = await statuses(connection)
      if (pending + processing === 0) return ended
      if (performance.now() - passedAtMs > TIME_PASSES_EACH_MS) {
        await letTimePass(connection)
        passedAtMs = performance.now()
      }
      return false
    },
    WAIT_MS
  )
}

const created = (number: number) => ({
  id: `evt_${number}`,
  type: 'product.created',
  occurredAt: '2026-01-01T00:00:00.000Z',
  data: { sku: `S${number}`, name: 'Tea', price: 1 }
})

/** Checks that each product was created once, and that the change log has each change once. */
async function hasOneEffectEach(t: Test, connection: Connection, count: number): Promise<void> {
  const [[products]] = await connection.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS count, COUNT(DISTINCT sku) AS skus, MAX(version) AS version FROM products'
  )
  t.same({ ...products }, { count, skus: count, version: 1 })
  const [[logged]] = await connection.query<RowDataPacket[]>(
    `SELECT SUM(LENGTH(entries) - LENGTH(REPLACE(entries, CHAR(10), '')) + 1) AS changes FROM product_changes`
  )
  t.equal(Number(logged?.changes), count)
}

t.test('after services and database servers are killed, each acknowledged event has had one effect', async (t) => {
  const engine = await privateMysql(t)
  const admin = await connect(engine)
  await admin.query('CREATE DATABASE aisle CHARACTER SET utf8mb4')
  await admin.end()
  const shared = toEnvironment(await testConfig(t))
  const config = loadConfig({
    ...shared,
    DB_SOCKET: engine.socketPath,
    DB_USER: 'root',
    DB_PASSWORD: '',
    DB_NAME: 'aisle'
  })
  await migrate(config.mysql)

  let service = await start(t, config)
  let sent = 0
  let acknowledged = 0
  const senders = Array.from({ length: SENDERS }, async () => {
    while (sent < EVENTS) {
      await deliverUntilRecorded(() => service.url, created(sent++), WAIT_MS)
      acknowledged++
    }
  })
  const killers = [
    async () => {
      await kill(service)
      service = await start(t, config)
    },
    async () => {
      await engine.kill()
      await engine.start()
    }
  ]
  const rounds = KILLS * killers.length
  for (let round = 0; round < rounds; round++) {
    const from = (EVENTS * (round + Math.random())) / rounds
    await waitFor('the next share of events is acknowledged', () => acknowledged >= from, WAIT_MS)
    await killers[round % killers.length]?.()
  }
  await Promise.all(senders)
  await kill(service)
  const connection = await connect(engine, 'aisle')
  t.teardown(() => connection.end())
  // Before the service starts, as that is when its worker looks for expired leases.
  await letTimePass(connection)
  service = await start(t, config)
  t.same(await untilDone(connection), { done: EVENTS })
  await hasOneEffectEach(t, connection, EVENTS)
  service.signal('SIGTERM')
  t.equal((await service.exit).code, 0)
})

/** Waits until a statement of a service is running, which is blocked by a lock of the test. */
async function untilBlocked(connection: Connection, config: Config, statement: RegExp): Promise<void> {
  await waitFor(
    `${statement} is blocked`,
    async () => {
      const [rows] = await connection.query<RowDataPacket[]>('SHOW PROCESSLIST')
      return rows.some(({ db, Info }) => db === config.mysql.database && statement.test(Info))
    },
    WAIT_MS
  )
}

async function prepare(t: Test) {
  const config = await testConfig(t)
  const connect = () => testConnection(t, config)
  const [connection, holder, second] = [await connect(), await connect(), await connect()]
  return { config, connection, holder, second, service: await start(t, config) }
}

/** Starts another service after the first was killed, and checks that it finishes the event. */
async function isFinishedByTheNext(t: Test, config: Config, connection: Connection): Promise<void> {
  // Before the service starts, as that is when its worker looks for expired leases.
  await letTimePass(connection)
  const { url } = await start(t, config)
  await deliverUntilRecorded(() => url, created(1), WAIT_MS)
  t.same(await untilDone(connection), { done: 1 })
  await hasOneEffectEach(t, connection, 1)
}

t.test('killed before an event is recorded: the sender gets no response', async (t) => {
  const { config, connection, holder, service } = await prepare(t)
  await holder.query('LOCK TABLES webhook_events READ')
  const delivered = deliverEvent(service.url, created(1))
  const isCutOff = t.rejects(delivered)
  await untilBlocked(connection, config, /^INSERT INTO webhook_events/)
  await kill(service)
  await isCutOff
  await holder.query('UNLOCK TABLES')
  await isFinishedByTheNext(t, config, connection)
})

t.test('killed after an event is claimed', async (t) => {
  const { config, connection, holder, service } = await prepare(t)
  await holder.beginTransaction()
  await holder.query(`INSERT INTO product_registers (sku, registers) VALUES ('S1', '{}')`)
  await deliverUntilRecorded(() => service.url, created(1), WAIT_MS)
  await untilBlocked(connection, config, /^INSERT INTO product_registers/)
  await kill(service)
  await holder.rollback()
  await isFinishedByTheNext(t, config, connection)
})

t.test('killed after the effect of an event is written, before that is committed', async (t) => {
  const { config, connection, holder, second, service } = await prepare(t)
  await holder.beginTransaction()
  await holder.query(`INSERT INTO product_registers (sku, registers) VALUES ('S1', '{}')`)
  await deliverUntilRecorded(() => service.url, created(1), WAIT_MS)
  await untilBlocked(connection, config, /^INSERT INTO product_registers/)
  // The update of this row is its last statement.
  await second.beginTransaction()
  await second.query('SELECT id FROM webhook_events FOR UPDATE')
  await holder.rollback()
  await untilBlocked(connection, config, /^UPDATE webhook_events/)
  await kill(service)
  await second.rollback()
  await isFinishedByTheNext(t, config, connection)
})
