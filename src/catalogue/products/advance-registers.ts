import type { Connection } from 'mysql2/promise'
import type { RowChanges } from './diff-rows.ts'
import {
  changedFields,
  existing,
  overwrite,
  presentRegisters,
  type RegisteredRow,
  type Registers
} from './last-writer-wins.ts'
import { readRegisters, storeRegisters } from './store-registers.ts'

/** A write of some registered values of one sku. */
interface SkuOverwrite {
  sku: string
  /** The product that had the sku before the write. */
  before?: RegisteredRow
  values: Parameters<typeof overwrite>[1]
  /**
   * Whether the values follow from the row alone: everything in a new product was written when it was created. Such a
   * write is stored only where the sku has registers already.
   */
  isImplicit?: boolean
}

/**
 * Brings writes of clients into the registers, so that no older event undoes them: in the transaction of the write, after
 * the rows of `products` are written.
 *
 * A transaction that applies events locks the registers of a sku first, which creates them where there are none, and then
 * its product. This one holds the lock of the product, and comes for the registers. So of the two the second waits for the
 * first, or the server ends one of them, to be run again. That holds for a product that is being created, too: where we
 * find no registers, theirs come later, and then their look at the product waits for us; where theirs are there, we wait
 * for them. Neither decides on what the other is about to change.
 */
export async function advanceRegisters(connection: Connection, changes: RowChanges, nowMs: number): Promise<void> {
  const overwrites = [...toOverwrites(changes)]
  const skus = [...new Set(overwrites.map(({ sku }) => sku))].sort()
  if (skus.length === 0) return
  const stored = await readRegisters(connection, skus)
  const changed = new Map<string, Registers>()
  for (const { sku, before, values, isImplicit } of overwrites) {
    const present = changed.get(sku) ?? stored.get(sku)
    if (present === undefined && isImplicit) continue
    changed.set(sku, overwrite(presentRegisters(present, before), values, nowMs))
  }
  await storeRegisters(connection, changed)
}

/** Lists the writes that free a sku before those that take it. */
function* toOverwrites({ created, updated, deleted }: RowChanges): Generator<SkuOverwrite> {
  const moved = updated.filter(({ before, after }) => before.sku !== after.sku)
  for (const before of [...deleted, ...moved.map(({ before }) => before)]) {
    if (before.sku !== null) yield { sku: before.sku, before, values: { exists: false } }
  }
  for (const row of created) {
    if (row.sku !== null) yield { sku: row.sku, values: existing(row), isImplicit: true }
  }
  for (const { after } of moved) {
    if (after.sku !== null) yield { sku: after.sku, values: existing(after) }
  }
  for (const { before, after } of updated) {
    const values = changedFields(before, after)
    const isRegistered = before.sku === after.sku && Object.keys(values).length > 0
    if (isRegistered && before.sku !== null) yield { sku: before.sku, before, values }
  }
}
