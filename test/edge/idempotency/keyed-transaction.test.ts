import { randomUUID } from 'node:crypto'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { keyedWriter, openDatabase, prepareEffects, sessionId, type Write } from './support/keyed-writer.ts'

const FIRST = /^body \S+$/

async function prepare(t: Test) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  return { config, connection, effects: await prepareEffects(connection) }
}

/** Holds a write in its transaction, after its effect. */
function held(write: Write) {
  const { promise: gate, resolve: release } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<Connection>()
  const done = write({
    async also(connection) {
      begun.resolve(connection)
      await gate
    }
  })
  const refused = () => done.then((answer) => Promise.reject(new Error(answer)))
  return { begun: () => Promise.race([begun.promise, refused()]), release, done }
}

t.test('a lock is released for the next connection, however the transaction ends', async (t) => {
  const { config, effects } = await prepare(t)
  const [one, other] = [
    openDatabase(t, config, { connectionLimit: 1 }),
    openDatabase(t, config, { connectionLimit: 1 })
  ]
  const apiKeyId = randomUUID()
  const write = (at: number, also?: () => Promise<never>) =>
    keyedWriter(at % 2 ? one : other)({ apiKeyId, key: 'key', ...(also && { also }) })
  for (let at = 0; at < 4; at++) {
    const failure = await write(at, () => Promise.reject(new Error('no')))
    t.equal(failure, 'Error: no')
  }
  t.same(await effects(), [])
  const first = await write(0)
  t.match(first, FIRST)
  for (let at = 0; at < 4; at++) t.equal(await write(at), `replayed ${first}`)
  t.same(await effects(), ['body'])
})

t.test('a killed session loses its lock and its effect', async (t) => {
  const { config, connection, effects } = await prepare(t)
  const write = keyedWriter(openDatabase(t, config))
  for (let round = 0; round < 3; round++) {
    const { begun, release, done } = held(write)
    const id = await sessionId(await begun())
    t.equal(await write(), 'idempotency-key-in-use')
    await connection.query(`KILL ${id}`)
    release()
    t.equal(await done, 'database-unavailable')
    await waitFor('the session is gone', async () => {
      const [rows] = await connection.query<RowDataPacket[]>(
        'SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?',
        [id]
      )
      return rows.length === 0
    })
  }
  t.match(await write(), FIRST)
  t.same(await effects(), ['body'])
})

t.test('a write that takes too long leaves nothing behind, and its key is free', async (t) => {
  const { config, effects } = await prepare(t)
  const identity = { apiKeyId: randomUUID(), key: 'key' }
  const [impatient, patient] = [300, 8000].map((queryTimeoutMs) => {
    const write = keyedWriter(openDatabase(t, config, { queryTimeoutMs }))
    return (options: object = {}) => write({ ...identity, ...options })
  })
  if (impatient === undefined || patient === undefined) throw new Error('no writers')
  const { release, done } = held(impatient)
  t.equal(await done, 'database-timeout')
  release()
  t.match(await waitFor('the lock is gone', () => unlessInUse(patient)), FIRST)
  t.same(await effects(), ['body'])
})

t.test('a connection that does not release its lock is closed', async (t) => {
  const { config, effects } = await prepare(t)
  const database = openDatabase(t, config, { connectionLimit: 1 })
  const ids: number[] = []
  const write = keyedWriter(database)
  const first = await write({
    async also(connection) {
      ids.push(await sessionId(connection))
      await connection.query('DO RELEASE_ALL_LOCKS()')
    }
  })
  t.match(first, FIRST, 'it was done all the same')
  ids.push(await database.session(sessionId))
  t.equal(new Set(ids).size, 2)
  t.equal(await write(), `replayed ${first}`)
  t.same(await effects(), ['body'])
})

t.test("without a shared lock the primary key decides, and the loser gets the winner's response", async (t) => {
  const { config, effects } = await prepare(t)
  const identity = { apiKeyId: randomUUID(), key: randomUUID() }
  const writers = ['one', 'other'].map((server) => {
    const write = keyedWriter(openDatabase(t, config), server)
    return () => write(identity)
  })
  for (let round = 0; round < 10; round++) {
    identity.key = randomUUID()
    const answers = await Promise.all(writers.map((write) => write()))
    const [first = ''] = answers.filter((answer) => FIRST.test(answer))
    t.same(answers.sort(), [first, `replayed ${first}`])
  }
  t.equal((await effects()).length, 10)
})

t.test('databases of one server do not share their keys', async (t) => {
  const identity = { apiKeyId: randomUUID(), key: 'key' }
  const [one, other] = await Promise.all(
    ['one', 'other'].map(async (name) => {
      const { config } = await prepare(t)
      const write = keyedWriter(openDatabase(t, config), name)
      return (options: object = {}) => write({ ...identity, ...options })
    })
  )
  if (one === undefined || other === undefined) throw new Error('no writers')
  const { begun, release, done } = held(one)
  await begun()
  t.match(await other(), FIRST)
  release()
  t.match(await done, FIRST)
})

async function unlessInUse(write: Write): Promise<string | false> {
  const answer = await write()
  return answer !== 'idempotency-key-in-use' && answer
}
