import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../platform/database/database.ts'
import type { Transact } from '../../platform/database/transaction.ts'
import { LOST_RACE, retryContention } from '../../platform/database/transaction.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { toDatetime } from '../../platform/lib/timestamps.ts'
import { formatId, uuidV7 } from '../../platform/lib/uuid.ts'
import type { Edit } from './product-edits.ts'
import { diffRows, type ProductRow, productColumns } from './product-row.ts'
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
