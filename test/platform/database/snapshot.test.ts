import t from 'tap'
import { ANSWER_GRACE_MS } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { openSnapshot } from '../../../src/platform/database/snapshot.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { proxied } from '../../support/proxied.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { untilNoneReads } from '../../support/until-none-reads.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'
import { waitFor } from '../../support/wait-for.ts'

const STOCK = 'SELECT SUM(stock) AS stock FROM products'

const config = await testConfig(t)
const connection = await testConnection(t, config)
await insertProducts(connection, [{ stock: 1 }, { stock: 2 }])
const pool = openPool(config.mysql, { connectionLimit: 1, queryTimeoutMs: 5000 })
t.teardown(() => pool.end())
const open = (queryTimeoutMs = 5000) => openSnapshot(pool, queryTimeoutMs)

t.test('it stays as it was, whatever is committed', async (t) => {
  const snapshot = await open()
  await connection.query('UPDATE products SET stock = stock + 100')
  t.same(await snapshot.execute(STOCK, []), [{ stock: '3' }], 'also what was not read before')
  await insertProducts(connection, [{ stock: 7 }])
  t.same(await snapshot.execute(STOCK, []), [{ stock: '3' }])
  snapshot.close()
  snapshot.close()
  await t.rejects(snapshot.execute(STOCK, []), { code: 'database-unavailable' })
  const next = await open()
  t.same(await next.execute(STOCK, []), [{ stock: '210' }], 'the connection goes to the next one')
  await t.rejects(next.execute('DELETE FROM products', []), 'it only reads')
  next.close()
  await untilNoneReads(connection)
})

t.test('closing it ends a statement that runs', async (t) => {
  const snapshot = await open()
  const statement = snapshot.execute('SELECT SLEEP(4), COUNT(*) FROM products', [])
  statement.catch(() => {})
  snapshot.close()
  await t.rejects(statement, { code: 'database-unavailable' })
  const next = await open()
  t.same(await next.execute(STOCK, []), [{ stock: '210' }], 'the next one has another connection')
  next.close()
})

t.test('a statement that takes too long is given up; waiting between two is not', async (t) => {
  const { config: behindProxy, mysql } = await proxied(t, config)
  const time = createVirtualTime()
  const slowPool = openPool(behindProxy.mysql, { connectionLimit: 1, queryTimeoutMs: 1500 })
  t.teardown(() => slowPool.end())
  const snapshot = await openSnapshot(slowPool, 1500, time.startTimeout)
  t.equal(time.timers, 0)
  t.same(await snapshot.execute(STOCK, []), [{ stock: '210' }])
  mysql.stall()
  const statement = snapshot.execute(STOCK, [])
  const isGivenUp = t.rejects(statement, { code: 'database-timeout' })
  await time.advance(1500 + ANSWER_GRACE_MS)
  await isGivenUp
  await snapshot.close()
  const opening = openSnapshot(slowPool, 1500, time.startTimeout)
  const isRefused = t.rejects(opening, /database/, 'nor does one open')
  await time.advance(1500 + ANSWER_GRACE_MS)
  await isRefused
  mysql.pass()
  await waitFor('it opens again', async () => {
    const next = await openSnapshot(slowPool, 1500)
    next.close()
    return true
  })
})
