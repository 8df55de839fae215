import type { Connection, RowDataPacket } from 'mysql2/promise'
import { retryContention } from '../database/retry-contention.ts'
import { toDatetime } from './datetime.ts'
import type { ProductFields } from './product-fields.ts'
import { uuidV7 } from './product-id.ts'
import { searchColumn } from './search-words.ts'

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

/** A row as it is, or as it is to be. */
interface Row extends ProductFields {
  id: Buffer
  sku: string
  created_at: string
  version: number
}

/** Somebody else has made the product since we looked. */
const LOST_RACE = ['ER_DUP_ENTRY']

const COLUMNS = 'id, sku, name, description, price, category, stock, created_at, updated_at, version, search_words'
const CHANGEABLE = ['name', 'description', 'price', 'category', 'stock', 'updated_at', 'version', 'search_words']
const INSERT = `INSERT INTO products (${COLUMNS}) VALUES ?`
const UPDATE = `${INSERT} ON DUPLICATE KEY UPDATE ${CHANGEABLE.map((name) => `${name} = VALUES(${name})`).join(', ')}`

/**
 * Makes or changes the products of a batch in one transaction: all of them, or none. Several with the same `sku`
 * act as one after the other. A product that is as it should be is not touched.
 *
 * Text is compared here and not by the server, for which `Café` and `cafe` may be equal.
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
  const present = await lockRows(connection, wanted)
  const created: Row[] = []
  const updated: Row[] = []
  for (const product of wanted) {
    const row = present.get(product.sku)
    if (row === undefined) {
      const fields = { description: null, category: null, stock: 0, ...product }
      created.push({ id: uuidV7(now, randomBytes(10)), created_at: toDatetime(now), version: 1, ...fields })
    } else if (changes(row, product)) {
      updated.push({ ...row, ...product, version: row.version + 1 })
    }
  }
  const toValues = (row: Row) => [
    row.id,
    row.sku,
    row.name,
    row.description,
    row.price,
    row.category,
    row.stock,
    row.created_at,
    toDatetime(now),
    row.version,
    searchColumn(row.name, row.description)
  ]
  if (created.length > 0) await connection.query(INSERT, [created.map(toValues)])
  if (updated.length > 0) await connection.query(UPDATE, [updated.map(toValues)])
  return { created: created.length, updated: updated.length }
}

async function lockRows(connection: Connection, wanted: readonly ProductUpsert[]): Promise<Map<string, Row>> {
  const [rows] = await connection.query<(Row & RowDataPacket)[]>(
    `SELECT id, sku, name, description, price, category, stock, created_at, version
     FROM products WHERE sku IN (?) ORDER BY sku FOR UPDATE`,
    [wanted.map(({ sku }) => sku)]
  )
  return new Map(rows.map((row) => [row.sku, row]))
}

function changes(row: Row, { name, description, price, category, stock }: ProductUpsert): boolean {
  return Object.entries({ name, description, price, category, stock }).some(
    ([field, value]) => value !== undefined && value !== row[field as keyof Row]
  )
}

/** In one order, so that two batches wait for each other instead of blocking each other. */
function mergeBySku(products: readonly ProductUpsert[]): ProductUpsert[] {
  const merged = new Map<string, ProductUpsert>()
  for (const product of products) merged.set(product.sku, { ...merged.get(product.sku), ...product })
  return [...merged.values()].sort((a, b) => (a.sku < b.sku ? -1 : 1))
}

/** Sees what others have committed, and locks nothing but the rows that it reads. */
async function inTransaction<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await connection.beginTransaction()
  try {
    const result = await work()
    await connection.commit()
    return result
  } catch (error) {
    await connection.rollback()
    throw error
  }
}
