import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { ANSWER_GRACE_MS, createDatabase, type Database } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { AppError } from '../../../src/platform/errors/app-error.ts'
import { proxied } from '../../support/proxied.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createVirtualTime, type VirtualTime } from '../../support/virtual-time.ts'
import { waitFor } from '../../support/wait-for.ts'

const direct = await testConfig(t)
const admin = await testConnection(t, direct)
const { config, mysql: proxy } = await proxied(t, direct)
await admin.query('CREATE TABLE counter (n INT NOT NULL)')
await admin.query('CREATE TABLE numbers (n INT NOT NULL)')
await admin.query('INSERT INTO numbers VALUES ?', [Array.from({ length: 1000 }, (_, n) => [n])])

const COM_STMT_PREPARE = 0x16
const COM_STMT_EXECUTE = 0x17
const LIMITS = { connectionLimit: 4, queueLimit: 20, queryTimeoutMs: 400 }
const CALL_LIMIT_MS = LIMITS.queryTimeoutMs + ANSWER_GRACE_MS
const SLOW_STATEMENT = 'SELECT COUNT(*) AS slow FROM numbers a, numbers b, numbers c WHERE a.n * b.n * c.n = -1'

function open(t: Test, limits: Partial<typeof LIMITS> = {}, mysql = config.mysql, time?: VirtualTime) {
  const bounds = { ...LIMITS, ...limits }
  const pool = openPool(mysql, bounds)
  t.teardown(() => {
    proxy.pass()
    pool.end()
  })
  const unreachable: Error[] = []
  const database = createDatabase(pool, {
    ...bounds,
    onUnreachable: (error) => unreachable.push(error),
    ...(time && { nowMs: time.nowMs, start: time.startTimeout })
  })
  return { database, unreachable }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'ok'
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

/** Makes so many calls at once and counts their outcomes. */
async function burst(database: Database, count: number, sql = 'SELECT 1') {
  const codes = await Promise.all(Array.from({ length: count }, () => codeOf(database.execute(sql, []))))
  return Object.fromEntries(
    Object.entries(Object.groupBy(codes, (code) => code)).map(([code, all]) => [code, all?.length])
  )
}

async function connectionId(database: Database): Promise<unknown> {
  const [row] = await database.execute<{ id: unknown }>('SELECT CONNECTION_ID() AS id', [])
  return row?.id
}

t.test('answers rows', async (t) => {
  const { database } = open(t)
  t.same(
    await database.execute('SELECT ? AS text, CAST(? AS DECIMAL(10, 2)) AS price, @@time_zone AS zone', ['ü', '1.50']),
    [{ text: 'ü', price: '1.50', zone: '+00:00' }]
  )
})

t.test('calls wait in bounded number and time while the server stalls, and go on right after', async (t) => {
  const time = createVirtualTime()
  const { database } = open(t, {}, config.mysql, time)
  t.same(await burst(database, 4), { ok: 4 })
  proxy.stall()
  let isOver = false
  const outcomes = burst(database, 50).finally(() => {
    isOver = true
  })
  await time.advance(CALL_LIMIT_MS - 1)
  t.notOk(isOver)
  await time.advance(1)
  t.same(await outcomes, { 'database-timeout': 24, overloaded: 26 })
  t.equal(time.timers, 0)
  proxy.pass()
  t.equal(await codeOf(database.execute('SELECT 1', [])), 'ok')
  await waitFor('all room is there again', async () => (await burst(database, 24)).ok === 24)
  await waitFor('no connection stays behind', () => proxy.connections === LIMITS.connectionLimit)
})

t.test('a call that has given up waiting is never run', async (t) => {
  const { database } = open(t, { connectionLimit: 1 })
  t.equal(await codeOf(database.execute('SELECT 1', [])), 'ok')
  proxy.stall()
  t.same(await burst(database, 5, 'INSERT INTO counter VALUES (1)'), { 'database-timeout': 5 })
  proxy.pass()
  // The first one was under way; that the others never were is what counts.
  const rows = await database.execute('SELECT n FROM counter', [])
  t.ok(rows.length <= 1)
  await admin.query('DELETE FROM counter')
})

t.test('a statement that takes too long ends on the server too, and its connection stays', async (t) => {
  const { database } = open(t, { connectionLimit: 1 })
  t.equal(await codeOf(database.execute(SLOW_STATEMENT, [])), 'database-timeout')
  await waitFor('it has ended on the server', async () => {
    const [rows] = await admin.query<RowDataPacket[]>(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '%AS slow%' AND ID <> CONNECTION_ID()"
    )
    return rows.length === 0
  })
  // On a busy machine the server may come too late with its word, and then the connection is given up.
  await waitFor('the server ends it first', async () => {
    const id = await connectionId(database)
    await codeOf(database.execute(SLOW_STATEMENT, []))
    return (await connectionId(database)) === id
  })
})

t.test('a server that is not there is a 503 at once, with the reason for the log', async (t) => {
  // No time passes.
  const { database, unreachable } = open(t, {}, config.mysql, createVirtualTime())
  await proxy.refuse()
  t.same(await burst(database, 24), { 'database-unavailable': 24 })
  t.match(unreachable[0], { code: 'ECONNREFUSED' })
  proxy.pass()
  await waitFor('the server is there again', async () => (await codeOf(database.execute('SELECT 1', []))) === 'ok')
})

t.test('a server that accepts and then says nothing is a 503 in time', async (t) => {
  const { database, unreachable } = open(t)
  proxy.stall()
  t.same(await burst(database, 4), { 'database-timeout': 4 })
  await waitFor('connecting is given up', () => unreachable.length === 4)
  proxy.pass()
  t.equal(await codeOf(database.execute('SELECT 1', [])), 'ok')
})

t.test('whatever keeps us from connecting is a 503', async (t) => {
  const user = `u${process.pid}`
  t.teardown(() => admin.query(`DROP USER '${user}'@'%'`))
  await admin.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'right'`)
  const wrong = {
    'the wrong password': { user, password: 'wrong' },
    'a user without rights': { user, password: 'right' },
    'a database that is not there': { database: 'nowhere' }
  }
  for (const [what, change] of Object.entries(wrong)) {
    const { database, unreachable } = open(t, {}, { ...direct.mysql, ...change })
    t.equal(await codeOf(database.execute('SELECT 1', [])), 'database-unavailable', what)
    t.match(unreachable[0]?.message, /denied|Unknown database/, what)
  }
})

t.test('a schema that is not there yet is a 503, a wrong statement is our own fault', async (t) => {
  const { database } = open(t)
  t.equal(await codeOf(database.execute('SELECT * FROM not_yet', [])), 'database-unavailable')
  t.match(await codeOf(database.execute('SELEC 1', [])), /error in your SQL syntax/)
  const params: never[] = JSON.parse('[{}]')
  params[0] = undefined as never
  t.match(await codeOf(database.execute('SELECT ?', params)), /TypeError/, 'and so is a wrong argument')
  t.same(await burst(database, 24), { ok: 24 }, 'and costs no connection')
})

t.test('connections that were closed while idle are not noticed by callers', async (t) => {
  const { database } = open(t)
  for (const round of ['first', 'second', 'third']) {
    t.same(await burst(database, 4), { ok: 4 }, round)
    proxy.disconnect()
    t.same(await burst(database, 24), { ok: 24 }, round)
  }
})

t.test('a reading statement that loses its connection runs once more, a writing one does not', async (t) => {
  const { database } = open(t, { connectionLimit: 1 })
  const cutOnce = (command: number) => {
    let isDone = false
    proxy.cutAt((chunk) => {
      const isNow = !isDone && chunk[4] === command
      isDone ||= isNow
      return isNow
    })
  }
  for (const command of [COM_STMT_PREPARE, COM_STMT_EXECUTE]) {
    cutOnce(command)
    t.equal(await codeOf(database.execute(`SELECT ${command}`, [])), 'ok')
    cutOnce(command)
    t.equal(await codeOf(database.execute('INSERT INTO counter VALUES (2)', [])), 'database-unavailable')
  }
  proxy.cutAt((chunk) => chunk[4] === COM_STMT_PREPARE)
  t.equal(await codeOf(database.execute('SELECT 2', [])), 'database-unavailable', 'and not for ever')
})

t.test('lost connections cost no room', async (t) => {
  const { database } = open(t)
  proxy.cutAt((chunk) => chunk[4] === COM_STMT_PREPARE)
  for (let i = 0; i < 20; i++) await codeOf(database.execute(`SELECT ${i}`, []))
  proxy.pass()
  t.same(await burst(database, 30, 'SELECT SLEEP(0.01)'), { ok: 24, overloaded: 6 })
  t.ok(proxy.connections <= LIMITS.connectionLimit)
})
