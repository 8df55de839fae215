import { STOCK_MAX } from '../../../schemas/products.ts'
import { toDatetime } from '../../platform/database/datetime.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { type Preconditions, requirePreconditions } from '../../platform/http/conditional.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import { productNotFound } from './find-product.ts'
import { changedRow, type NewFields, newRow } from './next-row.ts'
import type { ProductFields } from './product-fields.ts'
import { etagOf, type ProductRow } from './product-row.ts'

/** More than a product can be changed in a millisecond, and few enough for exact numbers until the year 2255. */
const VERSIONS_PER_MS = 1000

/** Which product is edited, and when, in ms since 1970. */
export interface EditContext {
  id: Buffer
  nowMs: number
}

/**
 * What a request makes of a product: takes the row as it is and answers the row as it is to be, undefined where there is
 * none. The same row is no change. An edit may be made anew when another one came between: it changes nothing itself.
 */
export type Edit<After extends ProductRow | undefined> = (before: ProductRow | undefined, context: EditContext) => After

export function createProduct(fields: NewFields): Edit<ProductRow> {
  return (_before, { id, nowMs }) => newRow(id, fields, toDatetime(nowMs))
}

/**
 * Makes a product under an id of the client's choice, or replaces it as a whole: what is not said of it is gone.
 * @throws {AppError} `precondition-failed`
 */
export function replaceProduct(fields: NewFields, conditions: Preconditions): Edit<ProductRow> {
  return (before, { id, nowMs }) => {
    requirePreconditions(conditions, before === undefined ? null : etagOf(before))
    const changedAt = toDatetime(nowMs)
    // Nothing is known of an earlier product with this id: counted from the clock, its entity tags don't come again.
    if (before === undefined) return newRow(id, fields, changedAt, nowMs * VERSIONS_PER_MS)
    const { sku, name, description, price, category, stock } = newRow(id, fields, changedAt)
    return changedRow(before, { sku, name, description, price, category, stock }, changedAt)
  }
}

/** @throws {AppError} `product-not-found`, `precondition-failed` */
export function patchProduct(fields: Partial<ProductFields>, conditions: Preconditions): Edit<ProductRow> {
  return (before, context) => changedRow(present(before, context, conditions), fields, toDatetime(context.nowMs))
}

/** @throws {AppError} `product-not-found`, `precondition-failed` */
export function deleteProduct(conditions: Preconditions): Edit<undefined> {
  return (before, context) => {
    present(before, context, conditions)
  }
}

/** @throws {AppError} `product-not-found`, `precondition-failed`, `insufficient-stock`, `stock-limit` */
export function adjustStock(delta: number, conditions: Preconditions): Edit<ProductRow> {
  return (before, context) => {
    const row = present(before, context, conditions)
    const stock = row.stock + delta
    if (stock < 0) throw new AppError('insufficient-stock', `There are ${row.stock} in stock.`)
    if (stock > STOCK_MAX) throw new AppError('stock-limit', `The stock would be above ${STOCK_MAX}.`)
    return changedRow(row, { stock }, toDatetime(context.nowMs))
  }
}

function present(row: ProductRow | undefined, { id }: EditContext, conditions: Preconditions): ProductRow {
  if (row === undefined) throw productNotFound(formatId(id))
  requirePreconditions(conditions, etagOf(row))
  return row
}
