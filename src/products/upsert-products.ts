import type { Connection, RowDataPacket } from 'mysql2/promise'
import { toDatetime } from '../database/datetime.ts'
import { retryContention } from '../database/retry-contention.ts'
import { inTransaction } from '../database/transaction.ts'
import { uuidV7 } from '../database/uuid.ts'
import { changedRow, newRow } from './next-row.ts'
import type { ProductFields } from './product-fields.ts'
import { type ProductRow, productColumns } from './product-row.ts'
import { writeProducts } from './write-products.ts'

/** A product to find by its `sku`, and to make if there is none. What is not there stays as it is. */
export type ProductUpsert = Partial<ProductFields> & { sku: string; name: string; price: string }

export interface UpsertCounts {
  created: number
  updated: number
  unchanged: number
  /** Went into a later product of the batch with the same `sku`. */
  superseded: number
}

/** Where time and chance come from. */
export interface Sources {
  nowMs(): number
  randomBytes(size: number): Uint8Array
}

type Row = ProductRow & { sku: string }

/** Somebody else has made the product since we looked. */
const LOST_RACE = ['ER_DUP_ENTRY']

/**
 * Makes or changes the products of a batch in one transaction: all of them, or none. Several with the same `sku`
 * act as one after the other. A product that is as it should be is not touched.
 */
export async function upsertProducts(
  connection: Connection,
  products: readonly ProductUpsert[],
  sources: Sources
): Promise<UpsertCounts> {
  const wanted = mergeBySku(products)
  if (wanted.length === 0) return { created: 0, updated: 0, unchanged: 0, superseded: 0 }

  const { created, updated } = await retryContention(
    () => inTransaction(connection, () => write(connection, wanted, sources)),
    LOST_RACE
  )
  return {
    created,
    updated,
    unchanged: wanted.length - created - updated,
    superseded: products.length - wanted.length
  }
}

async function write(connection: Connection, wanted: readonly ProductUpsert[], { nowMs, randomBytes }: Sources) {
  const now = nowMs()
  const changedAt = toDatetime(now)
  const present = await lockRows(connection, wanted)
  const created: ProductRow[] = []
  const updated: { before: Row; after: Row }[] = []
  for (const product of wanted) {
    const row = present.get(product.sku)
    if (row === undefined) {
      created.push(newRow(uuidV7(now, randomBytes(10)), product, changedAt))
    } else {
      const after = changedRow(row, product, changedAt)
      if (after !== row) updated.push({ before: row, after })
    }
  }
  await writeProducts(connection, { created, updated }, changedAt)
  return { created: created.length, updated: updated.length }
}

async function lockRows(connection: Connection, wanted: readonly ProductUpsert[]): Promise<Map<string, Row>> {
  const [rows] = await connection.query<(Row & RowDataPacket)[]>(
    `SELECT ${productColumns} FROM products WHERE sku IN (?) ORDER BY sku FOR UPDATE`,
    [wanted.map(({ sku }) => sku)]
  )
  return new Map(rows.map((row) => [row.sku, row]))
}

/** In one order, so that two batches wait for each other instead of blocking each other. */
function mergeBySku(products: readonly ProductUpsert[]): ProductUpsert[] {
  const merged = new Map<string, ProductUpsert>()
  for (const product of products) merged.set(product.sku, { ...merged.get(product.sku), ...product })
  return [...merged.values()].sort((a, b) => (a.sku < b.sku ? -1 : 1))
}
