import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../platform/database/database.ts'
import { toDatetime } from '../../platform/database/datetime.ts'
import { LOST_RACE, retryContention } from '../../platform/database/retry-contention.ts'
import type { Transact } from '../../platform/database/transaction.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { formatId, uuidV7 } from '../../platform/lib/uuid.ts'
import type { Edit } from './product-edits.ts'
import { type ProductRow, productColumns } from './product-row.ts'
import type { Sources } from './upsert-products.ts'
import { writeProducts } from './write-products.ts'

/** A product before and after an edit; undefined where there was or is none. */
export interface Edited<After extends ProductRow | undefined> {
  before: ProductRow | undefined
  after: After
}

export interface ProductEditor {
  /** The id of a product that is yet to be made. */
  newId(): Buffer
  /**
   * Edits one product in one transaction, in which nobody else changes it.
   * @param conclude makes of the edit what is answered
   * @param transact runs the transaction, with what else belongs to it; it may have an answer without the edit
   * @throws {AppError} `sku-conflict`, and what the edit and the transaction throw, by default `Database.transaction`
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
   * Told the id, in hexadecimal digits, of each product that was changed, now or when an answer was first made. Nobody
   * hears of the change before it is done.
   */
  onCommitted(productId: string): Promise<void>
}

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
        if (!isUnchanged) await write(connection, before, after, toDatetime(context.nowMs))
        return conclude({ before, after })
      }
      const result = await retryContention(() => transact(work), LOST_RACE)
      if (!isUnchanged) await onCommitted(id.toString('hex'))
      return result
    }
  }
}

async function lockRow(connection: Connection, id: Buffer): Promise<ProductRow | undefined> {
  const [[row]] = await connection.query<(ProductRow & RowDataPacket)[]>(
    `SELECT ${productColumns} FROM products WHERE id = ? FOR UPDATE`,
    [id]
  )
  return row
}

async function write(
  connection: Connection,
  before: ProductRow | undefined,
  after: ProductRow | undefined,
  changedAt: string
): Promise<void> {
  if (after?.sku != null && after.sku !== before?.sku) await refuseTaken(connection, after.sku, after.id)
  if (before === undefined) return await writeProducts(connection, { created: after ? [after] : [] }, changedAt)
  await writeProducts(connection, after ? { updated: [{ before, after }] } : { deleted: [before] }, changedAt)
}

/** Whoever takes it after this look is met by the unique key; so is who has made this very product since we looked for it. */
async function refuseTaken(connection: Connection, sku: string, id: Buffer): Promise<void> {
  const [[owner]] = await connection.query<(Pick<ProductRow, 'id'> & RowDataPacket)[]>(
    'SELECT id FROM products WHERE sku = ? AND id <> ?',
    [sku, id]
  )
  if (owner === undefined) return
  const productId = formatId(owner.id)
  throw new AppError('sku-conflict', `The product ${productId} has this sku already.`, { productId })
}
