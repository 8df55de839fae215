import type { Product } from '../../../schemas/products.ts'
import type { Database } from '../../platform/database/database.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { parseId } from '../../platform/lib/uuid.ts'
import { etagOf, type ProductRow, productColumns, toProduct } from './product-row.ts'

export interface FoundProduct {
  product: Product
  /** The strong entity tag of this state of the product. */
  etag: string
}

/**
 * Finds a product by its id.
 * @throws {AppError} `product-not-found`
 */
export async function findProduct(database: Pick<Database, 'execute'>, id: string): Promise<FoundProduct> {
  const [row] = await database.execute<ProductRow>(`SELECT ${productColumns} FROM products WHERE id = ?`, [parseId(id)])
  if (row === undefined) throw productNotFound(id.toLowerCase())
  return { product: toProduct(row), etag: etagOf(row) }
}

export function productNotFound(id: string): AppError {
  return new AppError('product-not-found', `There is no product with the id ${id}.`)
}
