import type { Connection, RowDataPacket } from 'mysql2/promise'
import { type ProductRow, productColumns } from './product-row.ts'

export type RowWithSku = ProductRow & { sku: string }

/**
 * Reads the products with these skus, by sku, and locks them until the end of the transaction.
 * @param skus in their order, so that two transactions wait for each other instead of blocking each other
 */
export async function lockRows(connection: Connection, skus: readonly string[]): Promise<Map<string, RowWithSku>> {
  const [rows] = await connection.query<(RowWithSku & RowDataPacket)[]>(
    `SELECT ${productColumns} FROM products WHERE sku IN (?) ORDER BY sku FOR UPDATE`,
    [skus]
  )
  return new Map(rows.map((row) => [row.sku, row]))
}
