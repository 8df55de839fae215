import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Product } from '../../../schemas/products.ts'
import { formatId } from '../../../src/database/uuid.ts'
import { type ProductRow, productColumns, toProduct } from '../../../src/products/product-row.ts'

/** All products, by id. */
export async function tableOf(connection: Connection): Promise<Map<string, Product>> {
  const [rows] = await connection.query<(ProductRow & RowDataPacket)[]>(`SELECT ${productColumns} FROM products`)
  return new Map(rows.map((row) => [formatId(row.id), toProduct(row)]))
}
