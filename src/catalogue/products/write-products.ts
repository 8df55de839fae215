import type { Connection } from 'mysql2/promise'
import { datetimeToMs, datetimeToTimestamp } from '../../platform/database/datetime.ts'
import { sendRows } from '../../platform/database/send-rows.ts'
import { type Change, type ListingKey, type ListingKeys, logChanges } from '../change-log/change.ts'
import { searchColumn } from '../search/search-words.ts'
import { signatureColumns, signatureOf } from '../search/word-signature.ts'
import { advanceRegisters } from './advance-registers.ts'
import { type ProductRow, writtenColumns } from './product-row.ts'
import { type RegistersBySku, storeRegisters } from './store-registers.ts'

/** What one transaction does to products. */
export interface ProductWrites {
  created?: readonly ProductRow[]
  /** As they are and as they are to be, with the same id. */
  updated?: readonly { before: ProductRow; after: ProductRow }[]
  deleted?: readonly ProductRow[]
  /** What becomes of the registers, where the writes come from events. Those of other writes are seen to here. */
  registers?: RegistersBySku
}

const CHANGEABLE = [
  ...['name', 'description', 'price', 'category', 'stock', 'updated_at', 'version'],
  ...['search_words', ...signatureColumns]
]
const INSERT = `INSERT INTO products (${writtenColumns}) VALUES ?`
const SET_SKU = 'UPDATE products SET sku = ? WHERE id = ?'
const UPDATE = `${INSERT} ON DUPLICATE KEY UPDATE ${CHANGEABLE.map((name) => `${name} = VALUES(${name})`).join(', ')}`

/**
 * The one way in which products change: the rows, what their search goes by, and their entries in the change log, in
 * the transaction that the connection is in. What is deleted makes room for what is created: a `sku` may change hands.
 * @param changedAt the moment of the change, as the database has it
 */
export async function writeProducts(connection: Connection, writes: ProductWrites, changedAt: string): Promise<void> {
  const { created = [], updated = [], deleted = [], registers } = writes
  if (deleted.length > 0) await connection.query('DELETE FROM products WHERE id IN (?)', [deleted.map(({ id }) => id)])
  await sendRows(connection, INSERT, created.map(toValues))
  // By itself, to be refused when another product has the sku: the statement after it would change that one.
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
  await logChanges(connection, changes, changedAt)
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

/** In the order of `writtenColumns`. */
function toValues(row: ProductRow) {
  const words = searchColumn(row.name, row.description)
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
    words,
    ...signatureOf(words)
  ]
}
