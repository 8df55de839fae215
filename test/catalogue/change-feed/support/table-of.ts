import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Product } from '../../../../schemas/products.ts'
import { type ProductRow, productColumns, toProduct } from '../../../../src/catalogue/products/product-row.ts'
import { formatId } from '../../../../src/platform/lib/uuid.ts'

/** All products, by id. */
export async function tableOf(connection: Connection): Promise<Map<string, Product>> {
  const [rows] = await connection.query<(ProductRow & RowDataPacket)[]>(`SELECT ${productColumns} FROM products`)
  return new Map(rows.map((row) => [formatId(row.id), toProduct(row)]))
}
