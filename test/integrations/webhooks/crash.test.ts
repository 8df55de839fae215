import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { migrate } from '../../../src/catalogue/migrate.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { type PrivateEngine, privateMysql } from '../../support/private-engines.ts'
import { type Service, startService, toEnvironment } from '../../support/service.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { deliverEvent, SECRET } from './support/deliver.ts'
import { letTimePass, statuses } from './support/inbox.ts'

const EVENTS = 1000
/** Of the service, and as many of the database server. */
const KILLS = Number(process.env.TEST_KILLS ?? 2)
const SENDERS = 6
const WAIT_MS = 120_000
/** Longer than it takes a worker to look for leases that have run out. */
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

/** Delivers until somebody says that it is recorded, as senders do. */
async function deliverAtLast(url: () => string, event: object): Promise<void> {
  await waitFor('it is recorded', WAIT_MS, async () => (await deliverEvent(url(), event)).httpStatus === 200)
}

/** Waits for the end of all events, through days of leases that run out and of next attempts. */
async function untilDone(connection: Connection): Promise<Record<string, number>> {
  let passedAtMs = Number.NEGATIVE_INFINITY
  return await waitFor('all is done', WAIT_MS, async () => {
    const { pending = 0, processing = 0, ...ended } = await statuses(connection)
    if (pending + processing === 0) return ended
    if (performance.now() - passedAtMs > TIME_PASSES_EACH_MS) {
      await letTimePass(connection)
      passedAtMs = performance.now()
    }
    return false
  })
}

const created = (number: number) => ({
  id: `evt_${number}`,
  type: 'product.created',
  occurredAt: '2026-01-01T00:00:00.000Z',
  data: { sku: `S${number}`, name: 'Tea', price: 1 }
})

/** Each product as it was made, once; each change is in the log, once. */
async function isDoneOnce(t: Test, connection: Connection, count: number): Promise<void> {
  const [[products]] = await connection.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS count, COUNT(DISTINCT sku) AS skus, MAX(version) AS version FROM products'
  )
  t.same({ ...products }, { count, skus: count, version: 1 })
  const [[logged]] = await connection.query<RowDataPacket[]>(
    `SELECT SUM(LENGTH(entries) - LENGTH(REPLACE(entries, CHAR(10), '')) + 1) AS changes FROM product_changes`
  )
  t.equal(Number(logged?.changes), count)
}

t.test(
  'services and database servers are killed: every event that was acknowledged has its effect, once',
  async (t) => {
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
        await deliverAtLast(() => service.url, created(sent++))
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
      await waitFor('some are acknowledged', WAIT_MS, () => acknowledged >= from)
      await killers[round % killers.length]?.()
    }
    await Promise.all(senders)
    await kill(service)
    service = await start(t, config)

    const connection = await connect(engine, 'aisle')
    t.teardown(() => connection.end())
    t.same(await untilDone(connection), { done: EVENTS })
    await isDoneOnce(t, connection, EVENTS)
    service.signal('SIGTERM')
    t.equal((await service.exit).code, 0)
  }
)

/** Waits until a statement of a service stands still, as somebody else has the lock that it needs. */
async function untilHeld(connection: Connection, config: Config, statement: RegExp): Promise<void> {
  await waitFor(`${statement} waits`, WAIT_MS, async () => {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW PROCESSLIST')
    return rows.some(({ db, Info }) => db === config.mysql.database && statement.test(Info))
  })
}

async function prepare(t: Test) {
  const config = await testConfig(t)
  const connect = () => testConnection(t, config)
  const [connection, holder, second] = [await connect(), await connect(), await connect()]
  return { config, connection, holder, second, service: await start(t, config) }
}

/** A service that comes after the one that was killed. */
async function isDoneByTheNext(t: Test, config: Config, connection: Connection): Promise<void> {
  const { url } = await start(t, config)
  await deliverAtLast(() => url, created(1))
  t.same(await untilDone(connection), { done: 1 })
  await isDoneOnce(t, connection, 1)
}

t.test('killed before an event is recorded: nobody is told that it is', async (t) => {
  const { config, connection, holder, service } = await prepare(t)
  await holder.query('LOCK TABLES webhook_events READ')
  const delivered = deliverEvent(service.url, created(1))
  const isRefused = t.rejects(delivered)
  await untilHeld(connection, config, /^INSERT INTO webhook_events/)
  await kill(service)
  await isRefused
  await holder.query('UNLOCK TABLES')
  await isDoneByTheNext(t, config, connection)
})

t.test('killed after an event is claimed', async (t) => {
  const { config, connection, holder, service } = await prepare(t)
  await holder.beginTransaction()
  await holder.query(`INSERT INTO product_registers (sku, registers) VALUES ('S1', '{}')`)
  t.equal((await deliverEvent(service.url, created(1))).httpStatus, 200)
  await untilHeld(connection, config, /^INSERT INTO product_registers/)
  await kill(service)
  await holder.rollback()
  await isDoneByTheNext(t, config, connection)
})

t.test('killed after the effect of an event is written, before that is committed', async (t) => {
  const { config, connection, holder, second, service } = await prepare(t)
  await holder.beginTransaction()
  await holder.query(`INSERT INTO product_registers (sku, registers) VALUES ('S1', '{}')`)
  t.equal((await deliverEvent(service.url, created(1))).httpStatus, 200)
  await untilHeld(connection, config, /^INSERT INTO product_registers/)
  // What it is to write last.
  await second.beginTransaction()
  await second.query('SELECT id FROM webhook_events FOR UPDATE')
  await holder.rollback()
  await untilHeld(connection, config, /^UPDATE webhook_events/)
  await kill(service)
  await second.rollback()
  await isDoneByTheNext(t, config, connection)
})
