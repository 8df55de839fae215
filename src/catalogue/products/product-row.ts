import { productFields } from '../../../schemas/product-fields.ts'
import type { Product } from '../../../schemas/products.ts'
import { datetimeToTimestamp } from '../../platform/lib/timestamps.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import { type Signature, signatureColumns } from '../search/word-signature.ts'
import { fieldEntries, type NewFields, type ProductFields, withDefaults } from './fields.ts'

/** A row of `products` as statements with `productColumns` read it: decimals, dates and JSON are text. */
export interface ProductRow extends ProductFields {
  id: Buffer
  created_at: string
  updated_at: string
  version: number
}

/** The columns of a `ProductRow`, for a SELECT. A column whose name differs from that of its field has an alias. */
export const productColumns = columnsOf('')

/** The columns of `products` that a write sets, in the order of `writtenValues`. */
export const writtenColumns: readonly string[] = [
  'id',
  ...fieldEntries.map(({ column }) => column),
  'created_at',
  'updated_at',
  'version',
  'search_words',
  ...signatureColumns
]

const jsonFields = fieldEntries.filter(({ isJson }) => isJson).map(({ name }) => name)

/**
 * Lists the columns of a `ProductRow` for a SELECT from several tables.
 * @param qualifier what stands before each column, such as `p.`
 */
export function columnsOf(qualifier: string): string {
  const fields = fieldEntries.map(({ name, column }) => (name === column ? column : `${column} AS ${name}`))
  return ['id', ...fields, 'created_at', 'updated_at', 'version'].map((column) => qualifier + column).join(', ')
}

/** Lists the values of a row in the order of `writtenColumns`. */
export function writtenValues(row: ProductRow, searchWords: string, signature: Signature) {
  const fields = fieldEntries.map(({ name }) => row[name])
  return [row.id, ...fields, row.created_at, row.updated_at, row.version, searchWords, ...signature]
}

/** Makes the strong entity tag of the state of a product. */
export function etagOf({ version }: Pick<ProductRow, 'version'>): string {
  return `"${version}"`
}

/** Makes the product of a row. */
export function toProduct(row: ProductRow): Product {
  // One object, filled in place: a list makes a hundred of them.
  const product: Partial<Record<keyof Product, unknown>> = { id: formatId(row.id) }
  for (const name of productFields) product[name] = row[name]
  for (const name of jsonFields) product[name] = JSON.parse(String(row[name]))
  product.createdAt = datetimeToTimestamp(row.created_at)
  product.updatedAt = datetimeToTimestamp(row.updated_at)
  return product as Product
}

/**
 * Makes the row of a new product. Missing fields get their defaults.
 * @param changedAt the time of the change, as the database has it
 * @param version the first version of the product, from which the later ones are counted
 */
export function newRow(id: Buffer, fields: NewFields, changedAt: string, version = 1): ProductRow {
  return { id, ...withDefaults(fields), created_at: changedAt, updated_at: changedAt, version }
}

/**
 * Makes the row of a product with some fields changed. Text is compared here and not by the server, for which `Café` and
 * `cafe` may be equal.
 * @returns the row itself when it has these values already
 */
export function changedRow(row: ProductRow, fields: Partial<ProductFields>, changedAt: string): ProductRow {
  const isChanged = fieldEntries.some(({ name }) => fields[name] !== undefined && fields[name] !== row[name])
  return isChanged ? { ...row, ...fields, updated_at: changedAt, version: row.version + 1 } : row
}

/** What one transaction does to rows of `products`. */
export interface RowChanges {
  created: readonly ProductRow[]
  /** The rows before and after the change; the ids are the same. */
  updated: readonly { before: ProductRow; after: ProductRow }[]
  deleted: readonly ProductRow[]
}

/**
 * Works out what turns products into what they are to be.
 * @param pairs each product before and after; undefined where it does not exist. The same row twice is no change
 */
export function diffRows(
  pairs: Iterable<readonly [before: ProductRow | undefined, after: ProductRow | undefined]>
): RowChanges {
  const created: ProductRow[] = []
  const updated: { before: ProductRow; after: ProductRow }[] = []
  const deleted: ProductRow[] = []
  for (const [before, after] of pairs) {
    if (before === after) continue
    if (before !== undefined && after?.id === before.id) {
      updated.push({ before, after })
      continue
    }
    if (before !== undefined) deleted.push(before)
    if (after !== undefined) created.push(after)
  }
  return { created, updated, deleted }
}
