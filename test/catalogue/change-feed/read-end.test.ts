import t from 'tap'
import { BEGINNING } from '../../../src/catalogue/change-feed/feed-cursor.ts'
import { readEnd, readFeed } from '../../../src/catalogue/change-feed/read-feed.ts'
import { numberChanges } from '../../../src/catalogue/change-log/product-changes.ts'
import { createDatabase } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { openSnapshot } from '../../../src/platform/database/snapshot.ts'
import { begin } from '../../support/change-log.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createIn, putProducts } from '../../support/write-catalogue.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const limits = { connectionLimit: 2, queueLimit: 10, queryTimeoutMs: 5000 }
const pool = openPool(config.mysql, limits)
t.teardown(() => pool.end())
const database = createDatabase(pool, limits)

/** What a snapshot has that is taken now, and where the changes go on. */
async function takeSnapshot() {
  const snapshot = await openSnapshot(pool, limits.queryTimeoutMs)
  const end = await readEnd(snapshot)
  const rows = await snapshot.execute<{ sku: string }>('SELECT sku FROM products', [])
  snapshot.close()
  return { skus: rows.map(({ sku }) => sku).sort(), end }
}

async function changesSince(end: typeof BEGINNING): Promise<(string | null)[]> {
  await numberChanges(database)
  return (await readFeed(database, end, 100)).changes.map(({ sku }) => sku).sort()
}

t.test('an empty log ends at its beginning', async (t) => {
  t.same((await takeSnapshot()).end, BEGINNING)
})

t.test('a change without a number in the snapshot comes again', async (t) => {
  await putProducts(connection, ['A'], 1)
  const { skus, end } = await takeSnapshot()
  t.same(skus, ['A'])
  t.same(await changesSince(end), ['A'])
  const next = await takeSnapshot()
  t.same(await changesSince(next.end), [], 'what has a number does not')
})

t.test('a transaction that is open when the snapshot is taken comes with the changes', async (t) => {
  const slow = await testConnection(t, config)
  await begin(slow)
  await createIn(slow, 'SLOW')
  await putProducts(connection, ['B'], 1)
  await numberChanges(database)
  const { skus, end } = await takeSnapshot()
  t.same(skus, ['A', 'B'], 'what came later is there, with its number')
  await slow.commit()
  t.same(await changesSince(end), ['SLOW'])
})

t.test('the purge keeps the row that the end is read from', async (t) => {
  const { end } = await takeSnapshot()
  await changesSince(end)
  const numbered = await takeSnapshot()
  await connection.query('DELETE FROM product_changes WHERE seq < ?', [numbered.end.seq])
  t.same((await takeSnapshot()).end, numbered.end)
  await putProducts(connection, ['C'], 1)
  t.same(await changesSince(numbered.end), ['C'])
})
