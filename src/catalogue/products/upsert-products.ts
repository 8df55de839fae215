import type { Connection } from 'mysql2/promise'
import { toDatetime } from '../../platform/database/datetime.ts'
import { LOST_RACE, retryContention } from '../../platform/database/retry-contention.ts'
import { inTransaction, type Transact } from '../../platform/database/transaction.ts'
import { uuidV7 } from '../../platform/lib/uuid.ts'
import { lockRows, type RowWithSku } from './lock-rows.ts'
import { changedRow, type NewFields, newRow } from './next-row.ts'
import type { ProductFields } from './product-fields.ts'
import { writeProducts } from './write-products.ts'

/** A product to find by its `sku`, and to make if there is none. What is not there stays as it is. */
export type SkuFields = Partial<ProductFields> & { sku: string }
/** The same with all that a new product needs. */
export type ProductUpsert = SkuFields & NewFields

/** What is to become of the product with a `sku`. */
export type SkuEdit = { upsert: SkuFields } | { delete: string }

export interface UpsertOutcome {
  status: 'created' | 'updated' | 'unchanged'
  id: Buffer
}

/** What has become of it. */
export type SkuOutcome =
  | UpsertOutcome
  | { status: 'deleted'; id: Buffer }
  /** There was none to delete. */
  | { status: 'absent' }
  /** There is none, and these fields are missing to make one. */
  | { status: 'incomplete'; missing: RequiredField[] }

/** What a new product can't be without. */
export type RequiredField = 'name' | 'price'

/** Where time and chance come from. */
export interface Sources {
  nowMs(): number
  randomBytes(size: number): Uint8Array
}

const REQUIRED_FIELDS: readonly RequiredField[] = ['name', 'price']

/**
 * Does everything that is said of a batch of products, in one transaction: all of it, or nothing. Several edits of one
 * `sku` act as one after the other. A product that is as it should be is not touched.
 * @param transact runs a whole transaction; it may be asked to do so again when another one came between
 * @returns an outcome for each edit, in the same order
 */
export async function editBySku(
  transact: Transact<SkuOutcome[]>,
  edits: readonly SkuEdit[],
  sources: Sources
): Promise<SkuOutcome[]> {
  if (edits.length === 0) return []
  return await retryContention(() => transact((connection) => apply(connection, edits, sources)), LOST_RACE)
}

/** The same on a connection of its own, for products with all that a new one needs. */
export async function upsertProducts(
  connection: Connection,
  products: readonly ProductUpsert[],
  sources: Sources
): Promise<UpsertOutcome[]> {
  const edits = products.map((upsert) => ({ upsert }))
  const outcomes = await editBySku((work) => inTransaction(connection, work), edits, sources)
  // None is deleted, and none lacks anything.
  return outcomes as UpsertOutcome[]
}

async function apply(
  connection: Connection,
  edits: readonly SkuEdit[],
  { nowMs, randomBytes }: Sources
): Promise<SkuOutcome[]> {
  const now = nowMs()
  const changedAt = toDatetime(now)
  const newId = () => uuidV7(now, randomBytes(10))
  const skus = [...new Set(edits.map(skuOf))].sort()
  const before = await lockRows(connection, skus)
  const rows = new Map(before)
  const outcomes = edits.map((edit) =>
    'upsert' in edit ? upsert(rows, edit.upsert, newId, changedAt) : remove(rows, edit.delete)
  )
  await writeProducts(connection, differences(skus, before, rows), changedAt)
  return outcomes
}

function upsert(rows: Map<string, RowWithSku>, product: SkuFields, newId: () => Buffer, changedAt: string): SkuOutcome {
  const { sku } = product
  const row = rows.get(sku)
  if (row !== undefined) {
    const after = changedRow(row, product, changedAt)
    rows.set(sku, after)
    return { status: after === row ? 'unchanged' : 'updated', id: row.id }
  }
  if (!isComplete(product)) {
    return { status: 'incomplete', missing: REQUIRED_FIELDS.filter((field) => product[field] === undefined) }
  }
  const made = { ...newRow(newId(), product, changedAt), sku }
  rows.set(sku, made)
  return { status: 'created', id: made.id }
}

function remove(rows: Map<string, RowWithSku>, sku: string): SkuOutcome {
  const row = rows.get(sku)
  if (row === undefined) return { status: 'absent' }
  rows.delete(sku)
  return { status: 'deleted', id: row.id }
}

/** What leads from the rows as they were to those as they are to be. */
function differences(
  skus: readonly string[],
  before: ReadonlyMap<string, RowWithSku>,
  after: ReadonlyMap<string, RowWithSku>
) {
  const created: RowWithSku[] = []
  const updated: { before: RowWithSku; after: RowWithSku }[] = []
  const deleted: RowWithSku[] = []
  for (const sku of skus) {
    const [old, now] = [before.get(sku), after.get(sku)]
    if (old === now) continue
    if (old !== undefined && now?.id === old.id) {
      updated.push({ before: old, after: now })
      continue
    }
    if (old !== undefined) deleted.push(old)
    if (now !== undefined) created.push(now)
  }
  return { created, updated, deleted }
}

function isComplete(product: SkuFields): product is ProductUpsert {
  return REQUIRED_FIELDS.every((field) => product[field] !== undefined)
}

export function skuOf(edit: SkuEdit): string {
  return 'upsert' in edit ? edit.upsert.sku : edit.delete
}
