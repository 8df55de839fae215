import { randomBytes } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import {
  adjustStock,
  createProduct,
  createProductEditor,
  deleteProduct
} from '../../../src/catalogue/products/product-editor.ts'
import { editBySku } from '../../../src/catalogue/products/upsert-products.ts'
import { createDatabase } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type EventFixture, insertEvents, statuses } from '../../support/webhook-inbox.ts'
import { startWorker } from '../../support/webhook-worker.ts'

const noAnswer = () => {}
const SECOND_MS = 1000

/** Prepares a client and two workers that run at the same time, on a database of their own. */
async function prepare(t: Test) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const limits = { connectionLimit: 4, queueLimit: 1000, queryTimeoutMs: 30_000 }
  const pool = openPool(config.mysql, limits)
  t.teardown(() => pool.end(() => {}))
  const editor = createProductEditor({
    database: createDatabase(pool, limits),
    nowMs: Date.now,
    randomBytes,
    onCommitted: async () => {}
  })
  const workers = [startWorker(t, config), startWorker(t, config)]
  return {
    connection,
    editor,
    /** Adds events a few at a time, as deliveries do. */
    async deliver(events: readonly EventFixture[]) {
      for (let start = 0; start < events.length; start += 5) {
        await insertEvents(connection, events.slice(start, start + 5))
        for (const worker of workers) worker.wake()
      }
    },
    untilDone: () =>
      waitFor('all events are done', async () => {
        const { pending = 0, processing = 0, dead = 0 } = await statuses(connection)
        if (dead > 0) throw new Error('an event is dead')
        return pending + processing === 0
      }),
    async products() {
      const [rows] = await connection.query<RowDataPacket[]>('SELECT sku, price, stock FROM products ORDER BY sku')
      return rows.map((row) => ({ ...row }))
    }
  }
}

const ahead = (ms: number) => new Date(Date.now() + ms).toISOString()
const skus = Array.from({ length: 40 }, (_, number) => `S${10 + number}`)
const tea = (sku: string) => createProduct({ sku, name: 'Tea', price: '1.00' })

t.test('clients change one field and events another: no change is lost', async (t) => {
  const { editor, deliver, untilDone, products } = await prepare(t)
  const id = editor.newId()
  await editor.edit(id, tea('TEA'), noAnswer)
  const prices = Array.from({ length: 100 }, (_, number) => ({
    id: `e${number}`,
    type: 'product.price_changed',
    occurredAt: ahead(SECOND_MS + number),
    data: { sku: 'TEA', price: number }
  }))
  await Promise.all([
    deliver(prices),
    ...Array.from({ length: 3 }, async () => {
      for (let added = 0; added < 30; added++) await editor.edit(id, adjustStock(1, {}), noAnswer)
    })
  ])
  await untilDone()
  t.same(await products(), [{ sku: 'TEA', price: '99.00', stock: 90 }])
})

t.test('a product created while an event is applied to it has the values of its registers', async (t) => {
  const { connection, editor, deliver, untilDone } = await prepare(t)
  const events = skus.map((sku) => ({
    id: sku,
    type: 'product.stock_changed',
    occurredAt: ahead(60 * SECOND_MS),
    data: { sku, stock: 7 }
  }))
  await Promise.all([deliver(events), ...skus.map((sku) => editor.edit(editor.newId(), tea(sku), noAnswer))])
  await untilDone()
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT sku, stock, registers FROM products JOIN product_registers USING (sku) ORDER BY sku'
  )
  t.same(
    rows.map(({ sku, stock }) => [sku, stock]),
    // The event is newer, but a client that created the product after it was promised the values it sent.
    rows.map(({ sku, registers }) => [sku, JSON.parse(registers).stock[0]])
  )
  t.same(
    rows.map(({ sku }) => sku),
    skus
  )
})

t.test('a product deleted while an older event is applied to it stays deleted', async (t) => {
  const { editor, deliver, untilDone, products } = await prepare(t)
  const ids = await Promise.all(
    skus.map(async (sku) => {
      const id = editor.newId()
      await editor.edit(id, tea(sku), noAnswer)
      return id
    })
  )
  const data = { name: 'Assam', price: '2.00' }
  const events = skus.flatMap((sku) => [
    { id: `c${sku}`, type: 'product.created', occurredAt: ahead(-60 * SECOND_MS), data: { sku, ...data } },
    { id: `u${sku}`, type: 'product.updated', occurredAt: ahead(60 * SECOND_MS), data: { sku, ...data } }
  ])
  await Promise.all([deliver(events), ...ids.map((id) => editor.edit(id, deleteProduct({}), noAnswer))])
  await untilDone()
  t.same(await products(), [])
})

t.test('clients that keep writing the same products do not keep the worker from its events', async (t) => {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  const limits = { connectionLimit: 4, queueLimit: 100, queryTimeoutMs: 30_000 }
  const pool = openPool(config.mysql, limits)
  t.teardown(() => pool.end(() => {}))
  const database = createDatabase(pool, limits)
  const skus = Array.from({ length: 100 }, (_, number) => `BUSY-${number}`)
  let round = 0
  const upsert = () => {
    const edits = skus.map((sku) => ({ upsert: { sku, name: `Tea ${round++}`, price: '3.00' } }))
    return editBySku(database.transaction, edits, { nowMs: Date.now, randomBytes })
  }
  await upsert()
  await upsert()
  const worker = startWorker(t, config)
  let isWriting = true
  const client = async () => {
    while (isWriting) await upsert()
  }
  const clients = [client(), client()]
  for (let batch = 0; batch < 10; batch++) {
    const events = skus.slice(0, 20).map((sku, place) => ({
      id: `busy-${batch}-${place}`,
      type: 'product.stock_changed',
      occurredAt: new Date().toISOString(),
      data: { sku, stock: batch }
    }))
    await insertEvents(connection, events)
    worker.wake()
    await waitFor('the batch is done', async () => {
      const { done = 0, stale = 0 } = await statuses(connection)
      return done + stale === 20 * (batch + 1)
    })
  }
  isWriting = false
  await Promise.all(clients)
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT MAX(attempts) AS attempts FROM webhook_events')
  t.equal(row?.attempts, 1, 'no attempt failed')
})
