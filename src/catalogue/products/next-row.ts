import { type ProductFields, productFields } from './product-fields.ts'
import type { ProductRow } from './product-row.ts'

/** What is said of a new product, in the form in which it is stored. */
export type NewFields = Partial<ProductFields> & Pick<ProductFields, 'name' | 'price'>

/**
 * The row of a new product. What is not said of it is null, the stock 0.
 * @param changedAt as the database has it
 * @param version the first one; those that follow are counted from it
 */
export function newRow(id: Buffer, fields: NewFields, changedAt: string, version = 1): ProductRow {
  const absent = { sku: null, description: null, category: null, stock: 0 }
  return { id, ...absent, ...fields, created_at: changedAt, updated_at: changedAt, version }
}

/**
 * The row of a product with other fields: the row itself when they are what it has. Text is compared here and not by the
 * server, for which `Café` and `cafe` may be equal.
 */
export function changedRow<Row extends ProductRow>(row: Row, fields: Partial<ProductFields>, changedAt: string): Row {
  const isChanged = productFields.some((field) => fields[field] !== undefined && fields[field] !== row[field])
  return isChanged ? { ...row, ...fields, updated_at: changedAt, version: row.version + 1 } : row
}
