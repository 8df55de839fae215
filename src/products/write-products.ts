import type { Connection } from 'mysql2/promise'
import type { Change } from '../changes/change.ts'
import { logChanges } from '../changes/log-changes.ts'
import { type ProductRow, writtenColumns } from './product-row.ts'
import { searchColumn } from './search-words.ts'

/** What one transaction does to products. */
export interface ProductWrites {
  created?: readonly ProductRow[]
  /** With the id and the sku that they have. */
  updated?: readonly ProductRow[]
  deleted?: readonly Pick<ProductRow, 'id' | 'sku'>[]
}

const CHANGEABLE = ['name', 'description', 'price', 'category', 'stock', 'updated_at', 'version', 'search_words']
const INSERT = `INSERT INTO products (${writtenColumns}) VALUES ?`
const UPDATE = `${INSERT} ON DUPLICATE KEY UPDATE ${CHANGEABLE.map((name) => `${name} = VALUES(${name})`).join(', ')}`

/**
 * The one way in which products change: the rows, what their search goes by, and their entries in the change log, in
 * the transaction that the connection is in.
 * @param changedAt the moment of the change, as the database has it
 */
export async function writeProducts(connection: Connection, writes: ProductWrites, changedAt: string): Promise<void> {
  const { created = [], updated = [], deleted = [] } = writes
  if (created.length > 0) await connection.query(INSERT, [created.map(toValues)])
  if (updated.length > 0) await connection.query(UPDATE, [updated.map(toValues)])
  if (deleted.length > 0) await connection.query('DELETE FROM products WHERE id IN (?)', [deleted.map(({ id }) => id)])
  const changes = [...toChanges('upsert', [...created, ...updated]), ...toChanges('delete', deleted)]
  await logChanges(connection, changes, changedAt)
}

/** The entries of products in the change log. */
export function toChanges(type: Change['type'], products: readonly Pick<ProductRow, 'id' | 'sku'>[]): Change[] {
  return products.map(({ id, sku }) => ({ type, id: id.toString('hex'), sku }))
}

/** In the order of `writtenColumns`. */
function toValues(row: ProductRow) {
  return [
    row.id,
    row.sku,
    row.name,
    row.description,
    row.price,
    row.category,
    row.stock,
    row.created_at,
    row.updated_at,
    row.version,
    searchColumn(row.name, row.description)
  ]
}
