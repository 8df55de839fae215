import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { purgeStoredResponses, storeResponse } from '../../../src/edge/idempotency/keyed-transaction.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { openDatabase } from './support/keyed-writer.ts'

const API_KEY = '019a8c1e-0000-7000-8000-000000000001'
const ANSWER = { status: 200, headers: {}, body: Buffer.from('{}') }

async function prepare(t: Test) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  return { config, connection, database: openDatabase(t, config) }
}

/** So many answers, of this age unless they are new. */
async function store(connection: Connection, count: number, prefix: string, ageSeconds?: number): Promise<void> {
  for (let at = 0; at < count; at++)
    await storeResponse(connection, { apiKeyId: API_KEY, key: `${prefix}${at}` }, Buffer.alloc(32), ANSWER)
  if (ageSeconds === undefined) return
  await connection.query(
    'UPDATE idempotency_keys SET created_at = UTC_TIMESTAMP(3) - INTERVAL ? SECOND WHERE idempotency_key LIKE ?',
    [ageSeconds, `${prefix}%`]
  )
}

async function keys(connection: Connection): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT idempotency_key FROM idempotency_keys')
  return rows.map(({ idempotency_key }) => idempotency_key).sort()
}

t.test('responses older than a day are deleted, in small steps', async (t) => {
  const { connection, database } = await prepare(t)
  t.same(await purgeStoredResponses(database), { purged: 0, isComplete: true })
  await store(connection, 230, 'old', 86_400)
  await store(connection, 2, 'older', 200_000)
  await store(connection, 2, 'young', 86_400 - 600)
  t.same(await purgeStoredResponses(database), { purged: 100, isComplete: false })
  t.same(await purgeStoredResponses(database), { purged: 100, isComplete: false })
  t.same(await purgeStoredResponses(database), { purged: 32, isComplete: true })
  t.same(await keys(connection), ['young0', 'young1'])
})

t.test('the purge waits for no writer, and no writer waits for a purge that has stopped halfway', async (t) => {
  const { config, connection, database } = await prepare(t)
  await store(connection, 3, 'old', 100_000)
  const writer = await testConnection(t, config)
  await writer.beginTransaction()
  await storeResponse(writer, { apiKeyId: API_KEY, key: 'open' }, Buffer.alloc(32), ANSWER)

  const stopped = await testConnection(t, config)
  await stopped.query('SET SESSION innodb_lock_wait_timeout = 1')
  await stopped.beginTransaction()
  const { purged } = await purgeStoredResponses({
    async execute<Row>(sql: string, params: readonly (string | number | Buffer | null)[]) {
      const [rows] = await stopped.execute(sql, [...params])
      return rows as Row[]
    }
  })
  t.equal(purged, 3)
  await connection.query('SET SESSION innodb_lock_wait_timeout = 1')
  await store(connection, 3, 'new')
  await writer.commit()
  await stopped.commit()
  t.same(await keys(connection), ['new0', 'new1', 'new2', 'open'])
  t.same(await purgeStoredResponses(database), { purged: 0, isComplete: true })
})

t.test('several purges at once delete everything old, and nothing young', async (t) => {
  const { config, connection, database } = await prepare(t)
  await store(connection, 300, 'old', 86_400)
  await store(connection, 5, 'young')
  const purgers = [database, openDatabase(t, config), openDatabase(t, config)]
  await Promise.all(
    purgers.map(async (purger) => {
      while (!(await purgeStoredResponses(purger)).isComplete);
    })
  )
  t.same(await purgeStoredResponses(database), { purged: 0, isComplete: true })
  t.equal((await keys(connection)).length, 5)
})
