import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import mysql, { type Connection } from 'mysql2/promise'
import { createRowGenerator } from '../../scripts/seed/generate-row.ts'
import { upsertProducts } from '../../src/catalogue/products/upsert-products.ts'
import { loadConfig } from '../../src/config/config.ts'
import { connectionOptions } from '../../src/platform/database/connection-options.ts'

/** The report of the writer when it stops. */
export interface WriterReport {
  writes: number
  seconds: number
}

const [rows = 0, seed = 0, writesPerSecond = 1] = process.argv.slice(2).map(Number)
/** The share of new products; the other writes change price and stock. */
const NEW_SHARE = 0.2
const SOURCES = { nowMs: Date.now, randomBytes }

const generateRow = createRowGenerator(seed)
const connection = await mysql.createConnection(connectionOptions(loadConfig(process.env).mysql))
let isStopping = false
process.on('message', () => {
  isStopping = true
})
process.on('disconnect', () => process.exit())

const startedAt = performance.now()
let writes = 0
while (!isStopping) {
  await write(connection)
  writes++
  await wait(Math.max(0, startedAt + (writes * 1000) / writesPerSecond - performance.now()))
}
const report: WriterReport = { writes, seconds: (performance.now() - startedAt) / 1000 }
process.send?.(report)
await connection.end()
process.disconnect()

/** Writes one product in a transaction of its own. */
async function write(connection: Connection): Promise<void> {
  const product = generateRow(Math.floor(Math.random() * rows))
  const { name, description, category } = product
  const isNew = product.sku === null || Math.random() < NEW_SHARE
  const sku = isNew ? `BENCH-${randomBytes(8).toString('hex')}` : (product.sku ?? '')
  const price = (Number(product.price) + Math.random()).toFixed(2)
  const stock = Math.floor(Math.random() * 1000)
  await upsertProducts(connection, [{ sku, name, description, price, category, stock }], SOURCES)
}
