import type { Connection, RowDataPacket } from 'mysql2/promise'
import { STOCK_MAX } from '../../../schemas/product-fields.ts'
import type { Database } from '../../platform/database/database.ts'
import { LOST_RACE, retryContention, type Transact } from '../../platform/database/transaction.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { type Preconditions, requirePreconditions } from '../../platform/http/conditional.ts'
import { toDatetime } from '../../platform/lib/timestamps.ts'
import { formatId, uuidV7 } from '../../platform/lib/uuid.ts'
import { type NewFields, type ProductFields, withDefaults } from './fields.ts'
import { productNotFound } from './find-products.ts'
import { changedRow, diffRows, etagOf, newRow, type ProductRow, productColumns } from './product-row.ts'
import type { Sources } from './upsert-products.ts'
import { writeProducts } from './write-products.ts'

/** A product before and after an edit; undefined where it did not or does not exist. */
export interface Edited<After extends ProductRow | undefined> {
  before: ProductRow | undefined
  after: After
}

/** Edits single products for clients. */
export interface ProductEditor {
  /** Makes the id of a product that is about to be created. */
  newId(): Buffer
  /**
   * Edits one product in one transaction, in which no other transaction changes it.
   * @param conclude makes the result from the edited product
   * @param transact runs the transaction, by default `Database.transaction`; it may do more in it, or have the result
   * without an edit
   * @throws {AppError} `sku-conflict`; what the edit and the transaction throw
   */
  edit<After extends ProductRow | undefined, Result>(
    id: Buffer,
    edit: Edit<After>,
    conclude: (edited: Edited<After>) => Result,
    transact?: Transact<Result>
  ): Promise<Result>
}

interface ProductEditorOptions extends Sources {
  database: Database
  /**
   * Called with the id, in hexadecimal digits, of each product that was changed, now or when its result was first made.
   * `edit` resolves after it.
   */
  onCommitted(productId: string): Promise<void>
}

/** Creates the editor of single products. */
export function createProductEditor({
  database,
  nowMs,
  randomBytes,
  onCommitted
}: ProductEditorOptions): ProductEditor {
  return {
    newId: () => uuidV7(nowMs(), randomBytes(10)),

    async edit(id, edit, conclude, transact = database.transaction) {
      let isUnchanged = false
      const work = async (connection: Connection) => {
        const before = await lockRow(connection, id)
        const context = { id, nowMs: nowMs() }
        const after = edit(before, context)
        isUnchanged = after === before
        if (!isUnchanged) {
          if (after?.sku != null && after.sku !== before?.sku) await refuseTaken(connection, after.sku, id)
          await writeProducts(connection, diffRows([[before, after]]), toDatetime(context.nowMs))
        }
        return conclude({ before, after })
      }
      const result = await retryContention(() => transact(work), LOST_RACE)
      if (!isUnchanged) await onCommitted(id.toString('hex'))
      return result
    }
  }
}

/** Reads a product and locks it until the end of the transaction. */
async function lockRow(connection: Connection, id: Buffer): Promise<ProductRow | undefined> {
  const [[row]] = await connection.query<(ProductRow & RowDataPacket)[]>(
    `SELECT ${productColumns} FROM products WHERE id = ? FOR UPDATE`,
    [id]
  )
  return row
}

/**
 * Refuses a sku that another product has. The unique key stops a product that takes it after this look, or that was
 * created under this very id after we looked for it.
 */
async function refuseTaken(connection: Connection, sku: string, id: Buffer): Promise<void> {
  const [[owner]] = await connection.query<(Pick<ProductRow, 'id'> & RowDataPacket)[]>(
    'SELECT id FROM products WHERE sku = ? AND id <> ?',
    [sku, id]
  )
  if (owner === undefined) return
  const productId = formatId(owner.id)
  throw new AppError('sku-conflict', `The product ${productId} has this sku already.`, { productId })
}

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
