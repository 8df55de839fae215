import assert from 'node:assert/strict'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { migrate } from '../../../src/catalogue/migrate.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { createDatabase } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { privateMysql, privateRedis } from '../../support/private-engines.ts'
import { residentBytes, SERVER, startService, toEnvironment, unixSockets } from '../../support/service.ts'
import { waitFor } from '../../support/wait-for.ts'

/** MiB: else garbage that nobody has yet looked at is most of what a process grows by. */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=4'
const NAME = 'aisle_outages'
const LISTS = '/api/v1/products'
const CONNECTION_LIMIT = 10
/** The problems of requests that the bounds of the database have ended; "handler-timeout" is none of them. */
const BOUNDED = ['database-timeout', 'database-unavailable', 'overloaded']

const [database, redis] = await Promise.all([privateMysql(t), privateRedis(t)])
await query(`CREATE DATABASE ${NAME} CHARACTER SET utf8mb4`)
const config = loadConfig({
  DB_SOCKET: database.socketPath,
  DB_USER: 'root',
  DB_NAME: NAME,
  DB_CONNECTION_LIMIT: String(CONNECTION_LIMIT),
  REDIS_URL: redis.socketPath,
  PORT: '0',
  SHUTDOWN_DRAIN_MS: '0'
})
await migrate(config.mysql)

database.pause()
redis.pause()
const service = await startService(t, toEnvironment(config), [SMALL_YOUNG_GENERATION, SERVER])

function connectAdmin() {
  return mysql.createConnection({ socketPath: database.socketPath, user: 'root' })
}

/** On a connection of its own: this server comes and goes. */
async function query(sql: string, params: string[] = []): Promise<RowDataPacket[]> {
  const connection = await connectAdmin()
  const [rows] = await connection.query<RowDataPacket[]>(sql, params)
  await connection.end()
  return rows
}

async function get(path: string) {
  const response = await fetch(service.url + path)
  const body = JSON.parse(await response.text())
  return { status: response.status, headers: response.headers, body }
}

let asked = 0

/** By default of lists that nobody has asked for: the cache has none of them. */
async function burst(count: number, path?: string) {
  const answers = await Promise.all(
    Array.from({ length: count }, () => get(path ?? `${LISTS}?maxPrice=${1000 + (asked++ % 1_000_000)}`))
  )
  const codes = new Set<string>(answers.map(({ body }) => body.code))
  return { statuses: [...new Set(answers.map(({ status }) => status))].sort(), answers, codes }
}

async function untilServing() {
  await waitFor('lists are served', async () => (await burst(20)).statuses.join() === '200')
}

async function untilReady() {
  await waitFor('ready', async () => (await get('/health/readiness')).body.status === 'ok')
}

/** Ends the service's connections on the server, and answers how many. */
async function killConnections(): Promise<number> {
  const admin = await connectAdmin()
  const [rows] = await admin.query<RowDataPacket[]>(
    'SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = ?',
    [NAME]
  )
  for (const { id } of rows) {
    // It may have ended by itself.
    await admin.query(`KILL ${id}`).catch((error) => assert.equal(error.code, 'ER_NO_SUCH_THREAD'))
  }
  await admin.end()
  return rows.length
}

t.test('starts while both servers are stopped, and answers its probes', async (t) => {
  const alive = await burst(100, '/health/liveness')
  t.same(alive.statuses, [200])
  const readiness = await get('/health/readiness')
  t.equal(readiness.status, 503)
  t.match(readiness.body.checks, { mysql: { status: 'down' }, redis: { status: 'down' } })
  const list = await get(LISTS)
  t.equal(list.status, 503)
  t.ok(BOUNDED.includes(list.body.code), list.body.code)
})

t.test('is ready without a restart once they run', async (t) => {
  database.resume()
  redis.resume()
  await untilServing()
  await untilReady()
  for (const name of ['MySQL', 'Redis']) {
    t.equal(service.logged(new RegExp(`^${name} does not answer`)).length, 1, `${name} was reported once`)
    t.equal(service.logged(new RegExp(`^${name} answers again`)).length, 1, `and once again`)
  }
})

t.test('500 lists at once while MySQL is stopped', async (t) => {
  await burst(500)
  const bytesBefore = residentBytes(service.pid)
  const socketsBefore = unixSockets(service.pid)
  database.pause()
  for (let round = 0; round < 3; round++) {
    const { statuses, answers, codes } = await burst(500)
    t.same(statuses, [503])
    t.strictSame([...codes.difference(new Set(BOUNDED))], [])
    t.ok(answers.every(({ headers }) => Number(headers.get('retry-after')) > 0))
    t.ok(codes.has('overloaded'), 'most of them are refused at once')
  }
  const grownBytes = residentBytes(service.pid) - bytesBefore
  t.ok(grownBytes < 50e6, `grown by ${Math.round(grownBytes / 1e6)} MB`)
  const mostSockets = socketsBefore - CONNECTION_LIMIT + 1
  await waitFor('all connections are given up', () => unixSockets(service.pid) <= mostSockets)
  database.resume()
  await untilServing()
})

t.test('MySQL is killed and started again', async (t) => {
  await database.kill()
  const { statuses, codes } = await burst(20)
  t.same(statuses, [503])
  t.strictSame([...codes.difference(new Set(BOUNDED))], [])
  t.equal((await get(`${LISTS}/0190a000-0000-7000-8000-000000000000`)).status, 503)
  await database.start()
  await untilServing()
  await untilReady()
})

t.test('connections that the server ends are not noticed by clients', async (t) => {
  const statuses = new Set<number>()
  let killed = 0
  for (let round = 0; round < 20; round++) {
    for (const status of (await burst(30)).statuses) statuses.add(status)
    killed += await killConnections()
  }
  t.comment(`${killed} connections were ended`)
  t.ok(killed > 60)
  t.same([...statuses], [200])
})

t.test('connections that were idle for too long are not noticed by clients', async (t) => {
  await query('SET GLOBAL wait_timeout = 1')
  await killConnections()
  t.same((await burst(30)).statuses, [200])
  await waitFor('the server has ended them', async () => {
    const rows = await query('SELECT ID FROM information_schema.PROCESSLIST WHERE DB = ?', [NAME])
    // Those of the change log and of the worker are never idle.
    return rows.length <= 2
  })
  t.same((await burst(30)).statuses, [200])
  await query('SET GLOBAL wait_timeout = 28800')
  await killConnections()
})

t.test('the server takes no more connections', async (t) => {
  await query('SET GLOBAL max_connections = 20')
  const others: Connection[] = []
  t.teardown(() => {
    for (const connection of others) connection.destroy()
  })
  await killConnections()
  await waitFor('all connections are taken', async () => {
    try {
      others.push(await connectAdmin())
    } catch {
      return true
    }
  })
  const { statuses, answers } = await burst(20)
  t.same(statuses, [503])
  t.same([...new Set(answers.map(({ body }) => body.code))], ['database-unavailable'])
  for (const connection of others) connection.destroy()
  await untilServing()
  await untilReady()
})

t.test('prepared statements do not pile up on the server', async (t) => {
  const limits = { connectionLimit: 1, queueLimit: 0, queryTimeoutMs: 5000 }
  const pool = openPool(config.mysql, limits)
  t.teardown(() => pool.end())
  const { execute } = createDatabase(pool, limits)
  const countStatements = async () => Number((await query("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'"))[0]?.Value)
  const before = await countStatements()
  for (let i = 0; i < 600; i++) await execute(`SELECT ${i}`, [])
  const kept = (await countStatements()) - before
  t.ok(kept > 0 && kept < 300, `${kept} of 600`)
})

t.test('Redis is killed, started again, stopped and resumed: lists do not notice', async (t) => {
  const before = service.log.length
  const isOfClient = /^Redis (does not answer|answers again)$/
  const reported = () => service.log.slice(before).flatMap(({ msg }) => (isOfClient.test(msg) ? [msg] : []))
  const [down, up] = ['Redis does not answer', 'Redis answers again']
  const steps = [
    { act: () => redis.kill(), status: 'degraded', lines: [down] },
    { act: () => redis.start(), status: 'ok', lines: [down, up] },
    { act: () => redis.pause(), status: 'degraded', lines: [down, up, down] },
    { act: () => redis.resume(), status: 'ok', lines: [down, up, down, up] }
  ]
  const statuses = new Set<number>()
  for (const { act, status, lines } of steps) {
    await act()
    await waitFor(`${status}, after ${lines.length} lines`, async () => {
      const { answers } = await burst(10)
      const readiness = await get('/health/readiness')
      for (const answer of [...answers, readiness]) statuses.add(answer.status)
      return readiness.body.status === status && reported().length >= lines.length
    })
    t.same(reported(), lines)
  }
  t.same([...statuses], [200])
})

t.test('it ends in order and in time while both servers are stopped', async (t) => {
  database.pause()
  redis.pause()
  await waitFor('MySQL has stopped', async () => (await get(LISTS)).status === 503)
  const lists = burst(30)
  await waitFor('lists are under way', async () => (await get('/health')).body.status === 'down')
  service.signal('SIGTERM')
  t.same((await lists).statuses, [503])
  // Were it to take longer than its time limit, the code would be 1.
  t.equal((await service.exit).code, 0)
  database.resume()
  redis.resume()
})

t.test('nothing of all this was an uncaught error', async (t) => {
  t.same(
    service.log.filter(({ level, msg }) => level >= 50 && msg !== 'request completed'),
    []
  )
  t.equal(service.stderr, '')
})
