import type { Product } from '../../../schemas/products.ts'
import { datetimeToTimestamp } from '../../platform/database/datetime.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import { signatureColumns } from '../search/word-signature.ts'

export const productColumns = 'id, sku, name, description, price, category, stock, created_at, updated_at, version'
/** With those that are made for searching and never read. */
export const writtenColumns = `${productColumns}, search_words, ${signatureColumns.join(', ')}`

/** A row of `products` as the driver gives it: decimals and dates as text. */
export interface ProductRow {
  id: Buffer
  sku: string | null
  name: string
  description: string | null
  price: string
  category: string | null
  stock: number
  created_at: string
  updated_at: string
  version: number
}

/** The strong entity tag of the state of a product that the row is. */
export function etagOf({ version }: ProductRow): string {
  return `"${version}"`
}

/** The product of a row. */
export function toProduct(row: ProductRow): Product {
  return {
    id: formatId(row.id),
    sku: row.sku,
    name: row.name,
    description: row.description,
    price: row.price,
    category: row.category,
    stock: row.stock,
    createdAt: datetimeToTimestamp(row.created_at),
    updatedAt: datetimeToTimestamp(row.updated_at)
  }
}
