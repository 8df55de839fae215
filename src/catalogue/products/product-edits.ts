import { STOCK_MAX } from '../../../schemas/product-fields.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { type Preconditions, requirePreconditions } from '../../platform/http/conditional.ts'
import { toDatetime } from '../../platform/lib/timestamps.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import { type NewFields, type ProductFields, withDefaults } from './fields.ts'
import { productNotFound } from './find-products.ts'
import { changedRow, etagOf, newRow, type ProductRow } from './product-row.ts'

/** More changes than one product can have in a millisecond; few enough for exact integers until the year 2255. */
const VERSIONS_PER_MS = 1000

/** The id of the product that is edited, and the time of the edit in ms since 1970. */
export interface EditContext {
  id: Buffer
  nowMs: number
}

/**
 * An edit of a product: takes the row as it is and returns the row as it is to be, undefined for a product that does not
 * exist. Returning the same row means no change. An edit has no effects of its own, as it is run again when its
 * transaction loses a race.
 */
export type Edit<After extends ProductRow | undefined> = (before: ProductRow | undefined, context: EditContext) => After

/** Makes the edit that creates a product. */
export function createProduct(fields: NewFields): Edit<ProductRow> {
  return (_before, { id, nowMs }) => newRow(id, fields, toDatetime(nowMs))
}

/**
 * Makes the edit that creates a product under an id that the client has chosen, or replaces it as a whole: missing fields
 * get their defaults.
 * @throws {AppError} `precondition-failed`
 */
export function replaceProduct(fields: NewFields, conditions: Preconditions): Edit<ProductRow> {
  return (before, { id, nowMs }) => {
    requirePreconditions(conditions, before === undefined ? null : etagOf(before))
    const changedAt = toDatetime(nowMs)
    // An earlier product may have had this id: versions that are counted from the clock never repeat its entity tags.
    if (before === undefined) return newRow(id, fields, changedAt, nowMs * VERSIONS_PER_MS)
    return changedRow(before, withDefaults(fields), changedAt)
  }
}

/**
 * Makes the edit that changes some fields of a product.
 * @throws {AppError} `product-not-found`, `precondition-failed`
 */
export function patchProduct(fields: Partial<ProductFields>, conditions: Preconditions): Edit<ProductRow> {
  return (before, context) => changedRow(requireRow(before, context, conditions), fields, toDatetime(context.nowMs))
}

/**
 * Makes the edit that deletes a product.
 * @throws {AppError} `product-not-found`, `precondition-failed`
 */
export function deleteProduct(conditions: Preconditions): Edit<undefined> {
  return (before, context) => {
    requireRow(before, context, conditions)
  }
}

/**
 * Makes the edit that adds to the stock of a product, or takes from it.
 * @throws {AppError} `product-not-found`, `precondition-failed`, `insufficient-stock`, `stock-limit`
 */
export function adjustStock(delta: number, conditions: Preconditions): Edit<ProductRow> {
  return (before, context) => {
    const row = requireRow(before, context, conditions)
    const stock = row.stock + delta
    if (stock < 0) throw new AppError('insufficient-stock', `There are ${row.stock} in stock.`)
    if (stock > STOCK_MAX) throw new AppError('stock-limit', `The stock would be above ${STOCK_MAX}.`)
    return changedRow(row, { stock }, toDatetime(context.nowMs))
  }
}

function requireRow(row: ProductRow | undefined, { id }: EditContext, conditions: Preconditions): ProductRow {
  if (row === undefined) throw productNotFound(formatId(id))
  requirePreconditions(conditions, etagOf(row))
  return row
}
