import type { Product } from '../../schemas/products.ts'
import { formatId } from './product-id.ts'

export const productColumns = 'id, sku, name, description, price, category, stock, created_at, updated_at, version'

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
    createdAt: toTimestamp(row.created_at),
    updatedAt: toTimestamp(row.updated_at)
  }
}

/** `2026-03-01 09:30:00.250` (UTC) in RFC 3339; the driver leaves out milliseconds of zero. */
function toTimestamp(datetime: string): string {
  const milliseconds = datetime.length === 19 ? '.000' : ''
  return `${datetime.slice(0, 10)}T${datetime.slice(11)}${milliseconds}Z`
}
