import type { Product } from '../../../schemas/products.ts'
import type { Database } from '../../platform/database/database.ts'
import { type ProductRow, productColumns, toProduct } from './product-row.ts'

/** How many ids a statement takes: few kinds, each of which is prepared once. */
const SIZES = [10, 100, 1000]
const MAX_IDS = 1000

/**
 * Finds products by their ids, in one statement. Those that there are not are not in the answer.
 * @param ids in hexadecimal digits, at most a thousand; any of them more than once
 * @returns by id, in hexadecimal digits
 */
export async function findProducts(database: Database, ids: readonly string[]): Promise<Map<string, Product>> {
  const wanted = [...new Set(ids)].map((id) => Buffer.from(id, 'hex'))
  const [first] = wanted
  if (first === undefined) return new Map()
  const size = SIZES.find((size) => size >= wanted.length) ?? MAX_IDS
  const places = Array.from({ length: size }, (_, place) => wanted[place] ?? first)
  const rows = await database.execute<ProductRow>(
    `SELECT ${productColumns} FROM products WHERE id IN (${places.map(() => '?').join(', ')})`,
    places
  )
  return new Map(rows.map((row) => [row.id.toString('hex'), toProduct(row)]))
}
