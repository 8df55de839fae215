import type { Product } from '../../../schemas/products.ts'
import type { Database } from '../../platform/database/database.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { parseId } from '../../platform/lib/uuid.ts'
import { etagOf, type ProductRow, productColumns, toProduct } from './product-row.ts'

/** A product with the strong entity tag of its state. */
export interface FoundProduct {
  product: Product
  etag: string
}

/** How many ids a statement takes: a few sizes, so that few statements are prepared. */
const SIZES = [10, 100, 1000]
const MAX_IDS = 1000

/**
 * Finds a product by its id.
 * @throws {AppError} `product-not-found`
 */
export async function findProduct(database: Pick<Database, 'execute'>, id: string): Promise<FoundProduct> {
  const [row] = await database.execute<ProductRow>(`SELECT ${productColumns} FROM products WHERE id = ?`, [parseId(id)])
  if (row === undefined) throw productNotFound(id.toLowerCase())
  return { product: toProduct(row), etag: etagOf(row) }
}

/**
 * Finds products by their ids, in one statement.
 * @param ids hexadecimal digits, at most 1000 ids; an id may be repeated
 * @returns the products that exist, by id in hexadecimal digits
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

/** Makes the error for an id that no product has. */
export function productNotFound(id: string): AppError {
  return new AppError('product-not-found', `There is no product with the id ${id}.`)
}
