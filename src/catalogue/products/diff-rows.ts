import type { ProductRow } from './product-row.ts'

/** What one transaction does to rows of `products`. */
export interface RowChanges {
  created: readonly ProductRow[]
  /** The rows before and after the change; the ids are the same. */
  updated: readonly { before: ProductRow; after: ProductRow }[]
  deleted: readonly ProductRow[]
}

/**
 * Works out what turns products into what they are to be.
 * @param pairs each product before and after; undefined where it does not exist. The same row twice is no change
 */
export function diffRows(
  pairs: Iterable<readonly [before: ProductRow | undefined, after: ProductRow | undefined]>
): RowChanges {
  const created: ProductRow[] = []
  const updated: { before: ProductRow; after: ProductRow }[] = []
  const deleted: ProductRow[] = []
  for (const [before, after] of pairs) {
    if (before === after) continue
    if (before !== undefined && after?.id === before.id) {
      updated.push({ before, after })
      continue
    }
    if (before !== undefined) deleted.push(before)
    if (after !== undefined) created.push(after)
  }
  return { created, updated, deleted }
}
