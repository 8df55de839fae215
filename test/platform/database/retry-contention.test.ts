import t from 'tap'
import { retryContention } from '../../../src/platform/database/transaction.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

function failing(times: number, code: string) {
  let attempts = 0
  const work = async () => {
    attempts++
    if (attempts <= times) throw Object.assign(new Error(code), { code })
    return attempts
  }
  return { work, attempts: () => attempts }
}

t.test('what lost against another transaction is run again', async (t) => {
  for (const code of ['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT']) {
    t.equal(await retryContention(failing(2, code).work), 3)
  }
  t.equal(await retryContention(failing(1, 'ER_DUP_ENTRY').work, ['ER_DUP_ENTRY']), 2)
})

t.test('but not for ever', async (t) => {
  const { work, attempts } = failing(100, 'ER_LOCK_DEADLOCK')
  await t.rejects(retryContention(work), { code: 'ER_LOCK_DEADLOCK' })
  t.ok(attempts() > 2 && attempts() < 10)
})

t.test('any other failure is final', async (t) => {
  const { work, attempts } = failing(1, 'ER_DUP_ENTRY')
  await t.rejects(retryContention(work), { code: 'ER_DUP_ENTRY' })
  t.equal(attempts(), 1)
})

t.test('of two transactions that block each other, both have their way', async (t) => {
  const config = await testConfig(t)
  const ids = await insertProducts(await testConnection(t, config), [{ stock: 0 }, { stock: 0 }])
  const { database } = await testApp(t, config)
  const bothHaveOne = Promise.withResolvers<void>()
  let attempts = 0
  let held = 0
  const takeInOrder = (order: readonly (Buffer | undefined)[]) =>
    retryContention(() =>
      database.transaction(async (connection) => {
        attempts++
        for (const id of order) {
          await connection.query('UPDATE products SET stock = stock + 1 WHERE id = ?', [id])
          if (++held === 2) bothHaveOne.resolve()
          await bothHaveOne.promise
        }
      })
    )
  await Promise.all([takeInOrder(ids), takeInOrder(ids.toReversed())])
  t.equal(attempts, 3)
  const rows = await database.execute<{ stock: number }>('SELECT stock FROM products', [])
  t.same(rows, [{ stock: 2 }, { stock: 2 }])
})
