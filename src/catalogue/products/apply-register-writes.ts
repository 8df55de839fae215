import type { Connection } from 'mysql2/promise'
import { toDatetime } from '../../platform/database/datetime.ts'
import { LOST_RACE, retryContention } from '../../platform/database/retry-contention.ts'
import type { Transact } from '../../platform/database/transaction.ts'
import { uuidV7 } from '../../platform/lib/uuid.ts'
import { mergeWrite, type Registers, type RegisterWrite, toFields } from './last-writer-wins.ts'
import { lockRows, type RowWithSku } from './lock-rows.ts'
import { changedRow, newRow } from './next-row.ts'
import { presentRegisters } from './present-registers.ts'
import type { ProductRow } from './product-row.ts'
import { holdRegisters, type RegistersBySku } from './store-registers.ts'
import type { Sources } from './upsert-products.ts'
import { writeProducts } from './write-products.ts'

/** A write of a product that was made elsewhere, at a time of its own. */
export interface SkuWrite {
  sku: string
  write: RegisterWrite
}

export interface AppliedWrites {
  /** For each write, in their order: has it won any of its values? */
  hasWon: readonly boolean[]
  /** The products that were changed, as they are now, or last were. */
  created: readonly ProductRow[]
  updated: readonly ProductRow[]
  deleted: readonly ProductRow[]
}

type Rows = ReadonlyMap<string, RowWithSku>

/**
 * Runs a transaction that applies register writes, again where another one was quicker.
 * @param work a whole transaction, which leaves nothing behind when it fails
 */
export function applyWithRetries<T>(transact: Transact<T>, work: (connection: Connection) => Promise<T>): Promise<T> {
  return retryContention(() => transact(work), LOST_RACE)
}

/**
 * Brings writes into the registers of their products, and makes the products what their registers say, in the transaction
 * that the connection is in. The last writer of each value wins: in whatever order writes come, from whatever source, and
 * however often, they end in the same products.
 */
export async function applyRegisterWrites(
  connection: Connection,
  writes: readonly SkuWrite[],
  sources: Sources
): Promise<AppliedWrites> {
  if (writes.length === 0) return { hasWon: [], created: [], updated: [], deleted: [] }
  const skus = [...new Set(writes.map(({ sku }) => sku))].sort()
  // Products that are there are locked before their registers, as clients do it, so that both wait in one order; of those
  // that are not, the registers come first: src/registers/advance-registers.ts says why.
  const locked = await lockRows(connection, skus)
  const stored = await holdRegisters(connection, skus)
  const absent = skus.filter((sku) => !locked.has(sku))
  const made = absent.length > 0 ? await lockRows(connection, absent) : []
  const rows: Rows = new Map([...locked, ...made])
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

  const { changedAt, ...products } = toProductWrites(changed, rows, sources)
  await writeProducts(connection, { ...products, registers: changed }, changedAt)
  const { created, updated, deleted } = products
  return { hasWon, created, updated: updated.map(({ after }) => after), deleted }
}

/** What makes the products what their registers say. */
function toProductWrites(changed: RegistersBySku, rows: Rows, { nowMs, randomBytes }: Sources) {
  const now = nowMs()
  const changedAt = toDatetime(now)
  const created: ProductRow[] = []
  const updated: { before: RowWithSku; after: RowWithSku }[] = []
  const deleted: RowWithSku[] = []
  for (const [sku, registers] of changed) {
    const before = rows.get(sku)
    const fields = toFields(registers)
    if (before === undefined) {
      if (fields) created.push(newRow(uuidV7(now, randomBytes(10)), { sku, ...fields }, changedAt))
    } else if (fields === undefined) {
      deleted.push(before)
    } else {
      const after = changedRow(before, fields, changedAt)
      if (after !== before) updated.push({ before, after })
    }
  }
  return { created, updated, deleted, changedAt }
}
