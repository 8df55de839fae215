import type { Connection, RowDataPacket } from 'mysql2/promise'
import { sendRows } from '../../platform/database/statement-values.ts'
import { datetimeToMs, datetimeToTimestamp } from '../../platform/lib/timestamps.ts'
import { appendChanges, type Change, type ListingKey, type ListingKeys } from '../change-log/product-changes.ts'
import { searchColumn } from '../search/search-words.ts'
import { signatureOf } from '../search/word-signature.ts'
import { advanceRegisters, type RegistersBySku, storeRegisters } from './last-writer-wins.ts'
import type { RowChanges } from './product-row.ts'
import { type ProductRow, productColumns, writtenColumns, writtenValues } from './product-row.ts'

const KEPT_COLUMNS = ['id', 'sku', 'created_at']
const CHANGED = writtenColumns.filter((column) => !KEPT_COLUMNS.includes(column))
const INSERT = `INSERT INTO products (${writtenColumns.join(', ')}) VALUES ?`
const SET_SKU = 'UPDATE products SET sku = ? WHERE id = ?'
const UPDATE = `${INSERT} ON DUPLICATE KEY UPDATE ${CHANGED.map((column) => `${column} = VALUES(${column})`).join(', ')}`

/**
 * Reads the products with these skus and locks them until the end of the transaction.
 * @param skus in ascending order, so that two transactions wait for each other instead of blocking each other
 * @returns the rows by sku
 */
export async function lockRows(connection: Connection, skus: readonly string[]): Promise<Map<string, ProductRow>> {
  const [rows] = await connection.query<(ProductRow & { sku: string } & RowDataPacket)[]>(
    `SELECT ${productColumns} FROM products WHERE sku IN (?) ORDER BY sku FOR UPDATE`,
    [skus]
  )
  return new Map(rows.map((row) => [row.sku, row]))
}

/**
 * Writes changes of products: the rows, their search columns, their registers and their entries in the change log, in the
 * transaction that the connection is in. All changes of products go through here. Deletions come first, so that a sku can
 * pass from one product to another.
 * @param changedAt the time of the change, as the database has it
 * @param registers the registers as they are to be, where the changes follow from them; otherwise the registers follow
 * from the changes
 */
export async function writeProducts(
  connection: Connection,
  { created, updated, deleted }: RowChanges,
  changedAt: string,
  registers?: RegistersBySku
): Promise<void> {
  if (deleted.length > 0) await connection.query('DELETE FROM products WHERE id IN (?)', [deleted.map(({ id }) => id)])
  await sendRows(connection, INSERT, created.map(toValues))
  // In a statement that fails when another product has the sku: the statement below would change that product.
  for (const { before, after } of updated)
    if (after.sku !== before.sku) await connection.query(SET_SKU, [after.sku, after.id])
  const rows = updated.map(({ after }) => toValues(after))
  await sendRows(connection, UPDATE, rows)
  if (registers) await storeRegisters(connection, registers)
  else await advanceRegisters(connection, { created, updated, deleted }, datetimeToMs(changedAt))
  const changes = [
    ...deleted.map((row) => toChange('delete', row, [toListingKey(row), null])),
    ...created.map((row) => toChange('upsert', row, [null, toListingKey(row)])),
    ...updated.map(({ before, after }) => toChange('upsert', after, [toListingKey(before), toListingKey(after)]))
  ]
  await appendChanges(connection, changes, changedAt)
}

function toChange(type: Change['type'], { id, sku }: ProductRow, listingKeys: ListingKeys): Change {
  return { type, id: id.toString('hex'), sku, listingKeys }
}

function toListingKey({ name, category, price, created_at, updated_at }: ProductRow): ListingKey {
  return {
    name,
    category,
    price: Number(price),
    createdAt: datetimeToTimestamp(created_at),
    updatedAt: datetimeToTimestamp(updated_at)
  }
}

function toValues(row: ProductRow) {
  const words = searchColumn(row.name, row.description)
  return writtenValues(row, words, signatureOf(words))
}
