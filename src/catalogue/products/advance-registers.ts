import type { Connection } from 'mysql2/promise'
import { changedFields, existing, overwrite, type RegisteredRow, type Registers } from './last-writer-wins.ts'
import { presentRegisters } from './present-registers.ts'
import { readRegisters, storeRegisters } from './store-registers.ts'

interface RowWrites {
  created: readonly RegisteredRow[]
  updated: readonly { before: RegisteredRow; after: RegisteredRow }[]
  deleted: readonly RegisteredRow[]
}

/** What a write says of one sku. */
interface SkuWrite {
  sku: string
  /** The product that had the sku until then. */
  before?: RegisteredRow
  values: Parameters<typeof overwrite>[1]
  /** A new product is there from when it says that it was made: that needs no registers, unless there are some. */
  isImplicit?: boolean
}

/**
 * Brings what clients write into the registers, so that no older event undoes it: in the transaction of the write, after
 * the rows of `products` are written.
 *
 * Who applies events locks the registers of a sku first, which makes them where there are none, and then its product. We
 * have the lock of the product, and come for the registers: whoever is second waits for the other, or the server ends one
 * of the two, to be run again. That holds for a product that is being made, too. Where we find no registers, theirs come
 * later, and then their look at the product waits for us; where theirs are there, we wait for them. So nobody decides on
 * what the other is about to change.
 */
export async function advanceRegisters(connection: Connection, writes: RowWrites, nowMs: number): Promise<void> {
  const skuWrites = [...toSkuWrites(writes)]
  const skus = [...new Set(skuWrites.map(({ sku }) => sku))].sort()
  if (skus.length === 0) return
  const stored = await readRegisters(connection, skus)
  const changed = new Map<string, Registers>()
  for (const { sku, before, values, isImplicit } of skuWrites) {
    const own = changed.get(sku) ?? stored.get(sku)
    if (own === undefined && isImplicit) continue
    changed.set(sku, overwrite(presentRegisters(own, before), values, nowMs))
  }
  await storeRegisters(connection, changed)
}

/** Those that free a sku come before those that take it. */
function* toSkuWrites({ created, updated, deleted }: RowWrites): Generator<SkuWrite> {
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
