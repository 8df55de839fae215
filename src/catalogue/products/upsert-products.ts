import type { Connection } from 'mysql2/promise'
import { type RequiredField, requiredFields } from '../../../schemas/product-fields.ts'
import { inTransaction, LOST_RACE, retryContention, type Transact } from '../../platform/database/transaction.ts'
import { toDatetime } from '../../platform/lib/timestamps.ts'
import { uuidV7 } from '../../platform/lib/uuid.ts'
import type { NewFields, ProductFields } from './fields.ts'
import { changedRow, diffRows, newRow, type ProductRow } from './product-row.ts'
import { lockRows, writeProducts } from './write-products.ts'

/** Fields of the product with a `sku`, which is created if there is none. Other fields stay as they are. */
export type SkuFields = Partial<ProductFields> & { sku: string }

/** Fields of the product with a `sku`, with all that a new product needs. */
export type ProductUpsert = SkuFields & NewFields

/** An edit of the product with a `sku`. */
export type SkuEdit = { upsert: SkuFields } | { delete: string }

/** The outcome of an upsert that had all that a new product needs. */
export interface UpsertOutcome {
  status: 'created' | 'updated' | 'unchanged'
  id: Buffer
}

/** The outcome of an edit. */
export type SkuOutcome =
  | UpsertOutcome
  | { status: 'deleted'; id: Buffer }
  /** There was no product to delete. */
  | { status: 'absent' }
  /** There is no product, and these fields are missing to create one. */
  | { status: 'incomplete'; missing: RequiredField[] }

/** The sources of time and randomness: `nowMs` is in ms since 1970. */
export interface Sources {
  nowMs(): number
  randomBytes(size: number): Uint8Array
}

/**
 * Applies a batch of edits in one transaction: all of them, or none. Several edits of one `sku` act one after the other. A
 * product that has the wanted values already is not touched.
 * @param transact runs a whole transaction; it is called again when the transaction loses a race against another one
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

/**
 * Creates or changes a batch of products in one transaction of a connection: all of them, or none.
 * @returns an outcome for each product, in the same order
 */
export async function upsertProducts(
  connection: Connection,
  products: readonly ProductUpsert[],
  sources: Sources
): Promise<UpsertOutcome[]> {
  const edits = products.map((upsert) => ({ upsert }))
  const outcomes = await editBySku((work) => inTransaction(connection, work), edits, sources)
  // None is a deletion, and none is incomplete.
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
  const changes = diffRows(skus.map((sku) => [before.get(sku), rows.get(sku)]))
  await writeProducts(connection, changes, changedAt)
  return outcomes
}

function upsert(rows: Map<string, ProductRow>, product: SkuFields, newId: () => Buffer, changedAt: string): SkuOutcome {
  const { sku } = product
  const row = rows.get(sku)
  if (row !== undefined) {
    const after = changedRow(row, product, changedAt)
    rows.set(sku, after)
    return { status: after === row ? 'unchanged' : 'updated', id: row.id }
  }
  if (!isComplete(product)) {
    return { status: 'incomplete', missing: requiredFields.filter((field) => product[field] === undefined) }
  }
  const made = newRow(newId(), product, changedAt)
  rows.set(sku, made)
  return { status: 'created', id: made.id }
}

function remove(rows: Map<string, ProductRow>, sku: string): SkuOutcome {
  const row = rows.get(sku)
  if (row === undefined) return { status: 'absent' }
  rows.delete(sku)
  return { status: 'deleted', id: row.id }
}

function isComplete(product: SkuFields): product is ProductUpsert {
  return requiredFields.every((field) => product[field] !== undefined)
}

/** Returns the sku whose product an edit is about. */
export function skuOf(edit: SkuEdit): string {
  return 'upsert' in edit ? edit.upsert.sku : edit.delete
}
