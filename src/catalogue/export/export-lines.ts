import type { ProductExportEnd } from '../../../schemas/export.ts'
import type { Snapshot } from '../../platform/database/snapshot.ts'
import { encodeFeedCursor } from '../change-feed/feed-cursor.ts'
import { readEnd } from '../change-feed/read-end.ts'
import type { Filters } from '../listing/query/filters.ts'
import { toProduct } from '../products/product-row.ts'
import { serialiseProduct } from '../products/serialise-products.ts'
import { walkProducts } from './walk-products.ts'

/**
 * Writes the products of a snapshot, a line for each, and then the line that says that these were all: some lines at a
 * time, or none while there are none to be found.
 */
export async function* exportLines(
  snapshot: Pick<Snapshot, 'execute'>,
  filters: Filters,
  onRows: (count: number) => void
): AsyncGenerator<string, void> {
  const changesCursor = encodeFeedCursor(await readEnd(snapshot))
  let count = 0
  for await (const rows of readAhead(walkProducts(snapshot, filters))) {
    count += rows.length
    onRows(rows.length)
    yield rows.map((row) => `${serialiseProduct(toProduct(row))}\n`).join('')
  }
  const end: ProductExportEnd = { export: { count, changesCursor } }
  yield `${JSON.stringify(end)}\n`
}

/** Asks for the next value while its caller is at work on one: the database and this process work at the same time. */
async function* readAhead<T>(values: AsyncIterator<T, void>): AsyncGenerator<T, void> {
  let next = values.next()
  for (;;) {
    const { value, done } = await next
    if (done || value === undefined) return
    next = values.next()
    // Whoever asks for it is told.
    next.catch(() => {})
    yield value
  }
}
