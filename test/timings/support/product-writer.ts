import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { type ProductUpsert, upsertProducts } from '../../../src/catalogue/products/upsert-products.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { connectionOptions } from '../../../src/platform/database/connection-options.ts'
import { nowMs } from './observe.ts'

/*
 * A process that writes products as it is told, each by itself and the next one so much later, and tells when each was
 * committed.
 */

export interface Task {
  products: ProductUpsert[]
  everyMs: number
}

export interface Commit {
  sku: string
  stock: number
  atMs: number
}

const connection = await mysql.createConnection(connectionOptions(loadConfig(process.env).mysql))
const sources = { nowMs: Date.now, randomBytes }

process.on('message', async ({ products, everyMs }: Task) => {
  const startedAtMs = nowMs()
  const commits: Commit[] = []
  for (const [index, product] of products.entries()) {
    await wait(Math.max(0, startedAtMs + index * everyMs - nowMs()))
    await upsertProducts(connection, [product], sources)
    commits.push({ sku: product.sku, stock: product.stock ?? 0, atMs: nowMs() })
  }
  process.send?.(commits)
})
process.send?.('ready')
