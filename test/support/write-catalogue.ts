import { randomBytes } from 'node:crypto'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { diffRows, newRow, type ProductRow, productColumns } from '../../src/catalogue/products/product-row.ts'
import { upsertProducts } from '../../src/catalogue/products/upsert-products.ts'
import { writeProducts } from '../../src/catalogue/products/write-products.ts'
import { inTransaction, isLostRace } from '../../src/platform/database/transaction.ts'
import { toDatetime } from '../../src/platform/lib/timestamps.ts'
import { uuidV7 } from '../../src/platform/lib/uuid.ts'

/** Makes or changes products, all of them in one transaction. */
export async function putProducts(connection: Connection, skus: readonly string[], stock: number): Promise<void> {
  const products = skus.map((sku) => ({ sku, name: `Product ${sku}`, price: '9.99', stock }))
  await untilWon(() => upsertProducts(connection, products, { nowMs: Date.now, randomBytes }))
}

/** Deletes the product with this sku, if there is one. */
export async function removeProduct(connection: Connection, sku: string): Promise<void> {
  await untilWon(() =>
    inTransaction(connection, async () => {
      const [deleted] = await connection.query<(ProductRow & RowDataPacket)[]>(
        `SELECT ${productColumns} FROM products WHERE sku = ? FOR UPDATE`,
        [sku]
      )
      if (deleted.length > 0)
        await writeProducts(connection, diffRows(deleted.map((row) => [row, undefined])), toDatetime(Date.now()))
    })
  )
}

/** Makes a product in the transaction that the connection is in. */
export async function createIn(connection: Connection, sku: string): Promise<void> {
  const now = Date.now()
  const at = toDatetime(now)
  const row = newRow(uuidV7(now, randomBytes(10)), { sku, name: `Product ${sku}`, price: '9.99', stock: 1 }, at)
  await writeProducts(connection, diffRows([[undefined, row]]), at)
}

/** Runs a transaction until it wins: writers of these tests meet more often than those of a shop. */
async function untilWon<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isLostRace(error)) throw error
    }
  }
}
