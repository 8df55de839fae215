import type { Connection } from 'mysql2/promise'
import type { Transact } from '../../platform/database/transaction.ts'
import { LOST_RACE, retryContention } from '../../platform/database/transaction.ts'
import { toDatetime } from '../../platform/lib/timestamps.ts'
import { uuidV7 } from '../../platform/lib/uuid.ts'
import {
  lockRegisters,
  mergeWrite,
  presentRegisters,
  type Registers,
  type RegisterWrite,
  toFields
} from './last-writer-wins.ts'
import { changedRow, diffRows, newRow, type ProductRow } from './product-row.ts'
import type { Sources } from './upsert-products.ts'
import { lockRows, writeProducts } from './write-products.ts'

/** A write to the product with a sku that was made in another system, at a time of its own. */
export interface SkuWrite {
  sku: string
  write: RegisterWrite
}

/** What became of a batch of writes. */
export interface AppliedWrites {
  /** Whether a write has won any of its values: one entry for each write, in their order. */
  hasWon: readonly boolean[]
  /** The rows of the changed products after the change; of deleted ones, before it. */
  created: readonly ProductRow[]
  updated: readonly ProductRow[]
  deleted: readonly ProductRow[]
}

/**
 * Runs a transaction that applies register writes, and runs it again when it loses a race against another one.
 * @param work a whole transaction, which leaves nothing behind when it fails
 */
export function applyWithRetries<T>(transact: Transact<T>, work: (connection: Connection) => Promise<T>): Promise<T> {
  return retryContention(() => transact(work), LOST_RACE)
}

/**
 * Merges writes into the registers of their products, and makes the products what their registers say, in the transaction
 * that the connection is in. The last writer of each value wins: writes end in the same products in whatever order they
 * come, from whatever source, and however often.
 */
export async function applyRegisterWrites(
  connection: Connection,
  writes: readonly SkuWrite[],
  { nowMs, randomBytes }: Sources
): Promise<AppliedWrites> {
  if (writes.length === 0) return { hasWon: [], created: [], updated: [], deleted: [] }
  const skus = [...new Set(writes.map(({ sku }) => sku))].sort()
  // Existing products are locked before their registers, as writes of clients do it, so that both wait in one order; for
  // a sku without a product the registers come first: advance-registers.ts says why.
  const locked = await lockRows(connection, skus)
  const stored = await lockRegisters(connection, skus)
  const absent = skus.filter((sku) => !locked.has(sku))
  const made = absent.length > 0 ? await lockRows(connection, absent) : []
  const rows = new Map([...locked, ...made])
  const registers = new Map(skus.map((sku) => [sku, presentRegisters(stored.get(sku), rows.get(sku))]))
  const changed = new Map<string, Registers>()

  const hasWon = writes.map(({ sku, write }) => {
    const present = registers.get(sku) ?? {}
    const merged = mergeWrite(present, write)
    if (merged === present) return false
    registers.set(sku, merged)
    changed.set(sku, merged)
    return true
  })

  const now = nowMs()
  const changedAt = toDatetime(now)
  const toRow = (sku: string, registers: Registers): ProductRow | undefined => {
    const fields = toFields(registers)
    if (fields === undefined) return undefined
    const before = rows.get(sku)
    if (before !== undefined) return changedRow(before, fields, changedAt)
    return newRow(uuidV7(now, randomBytes(10)), { sku, ...fields }, changedAt)
  }
  const changes = diffRows(Array.from(changed, ([sku, registers]) => [rows.get(sku), toRow(sku, registers)]))
  await writeProducts(connection, changes, changedAt, changed)
  const { created, updated, deleted } = changes
  return { hasWon, created, updated: updated.map(({ after }) => after), deleted }
}
