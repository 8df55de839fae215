import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type EventFixture, insertEvents, statuses } from '../../support/webhook-inbox.ts'
import { startWorker } from '../../support/webhook-worker.ts'

const fields = fc.record({
  name: fc.constantFrom('Tea', 'Assam'),
  description: fc.constantFrom(null, 'Dark'),
  price: fc.constantFrom('1.00', '2.00'),
  category: fc.constantFrom(null, 'Drinks'),
  stock: fc.nat(5)
})
const change = fc.oneof(
  fields.map((data) => ({ type: 'product.created', data })),
  fields.map(({ name, description, stock }) => ({ type: 'product.updated', data: { name, description, stock } })),
  fields.map(({ price }) => ({ type: 'product.price_changed', data: { price } })),
  fields.map(({ stock }) => ({ type: 'product.stock_changed', data: { stock } })),
  fc.constant({ type: 'product.deleted', data: {} })
)
/** Products with their histories, and the order in which all events arrive. */
const histories = fc
  .array(fc.array(change, { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 4 })
  .chain((products) => {
    const places = products.flatMap((history, product) => history.map((_change, place) => [product, place] as const))
    return fc.tuple(fc.constant(products), fc.shuffledSubarray(places, { minLength: places.length }))
  })

async function products(connection: Connection, run: string): Promise<object[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT name, description, price, category, stock, sku FROM products WHERE sku LIKE '${run}-%' ORDER BY sku`
  )
  return rows.map((row) => ({ ...row }))
}

/** The product that a history leads to when it is applied in order. */
function inOrder(history: readonly { type: string; data: object }[], sku: string): object[] {
  let known = {}
  let exists = false
  for (const { type, data } of history) {
    known = { ...known, ...data }
    if (type === 'product.created') exists = true
    if (type === 'product.deleted') exists = false
  }
  return exists ? [{ ...known, sku }] : []
}

t.test('the order of deliveries and the choice of workers do not change the products', async (t) => {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const workers = [1, 2, 3].map(() => startWorker(t, config))
  let runs = 0
  await fc.assert(
    fc.asyncProperty(histories, async ([histories, order]) => {
      const run = `R${++runs}`
      const events = order.map(([product, place]): EventFixture => {
        const { type, data } = histories[product]?.[place] ?? { type: '', data: {} }
        const occurredAt = new Date(Date.UTC(2026, 0, 1) + place * 1000).toISOString()
        return { id: `${run}-${product}-${place}`, type, occurredAt, data: { ...data, sku: `${run}-${product}` } }
      })
      // One by one, so that workers claim in between.
      for (const event of events) {
        await insertEvents(connection, [event])
        workers[Math.floor(Math.random() * workers.length)]?.wake()
      }
      await waitFor('all events are done', async () => {
        for (const worker of workers) worker.wake()
        const { pending = 0, processing = 0, dead = 0 } = await statuses(connection)
        assert.equal(dead, 0)
        return pending + processing === 0
      })
      const expected = histories.flatMap((history, product) => inOrder(history, `${run}-${product}`))
      assert.deepEqual(await products(connection, run), expected)
    }),
    { numRuns: Number(process.env.TEST_RUNS ?? 25) }
  )
})
