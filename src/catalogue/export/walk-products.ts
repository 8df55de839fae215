import type { Database, Params } from '../../platform/database/database.ts'
import type { Filters } from '../listing/query/list-query.ts'
import { and, type Conditions, filterConditions } from '../listing/read/statements.ts'
import { type ProductRow, productColumns } from '../products/product-row.ts'
import { termConditions } from '../search/search-words.ts'

/** How many rows a statement returns at most: few, so that other requests do not wait long while they are serialised. */
const BATCH_ROWS = 500
/**
 * How many rows a statement examines at most, however few pass the filters.
 * @internal
 */
export const SPAN_ROWS = 5000

/** Times as text: otherwise the driver would spend a fifth of the time of an export on formatting them. */
const columns = productColumns.replace(/\b(?:created|updated)_at\b/g, 'CAST($& AS CHAR) AS $&')

type Reader = Pick<Database, 'execute'>

/**
 * Reads the products that pass the filters, in the order of their ids, in batches that may be empty. Each statement
 * continues where the one before ended, along the primary key, where old versions of rows cost no more than new ones.
 */
export async function* walkProducts(reader: Reader, filters: Filters): AsyncGenerator<ProductRow[], void> {
  const { conditions, params } = rowConditions(filters)
  const isFiltered = conditions.length > 0
  let after: Buffer | null = null
  for (;;) {
    const end: Buffer | null = isFiltered ? await findSpanEnd(reader, after) : null
    for (let isFull = true; isFull; ) {
      const range = idRange(after, end)
      const rows: ProductRow[] = await reader.execute(
        select(columns, [...range.conditions, ...conditions], `LIMIT ${BATCH_ROWS}`),
        [...range.params, ...params]
      )
      yield rows
      after = rows.at(-1)?.id ?? after
      isFull = rows.length === BATCH_ROWS
    }
    if (end === null) return
    after = end
  }
}

/**
 * Words are tested in the row: the search index has the rows as they are now, and misses rows of an old snapshot that have
 * changed since.
 */
function rowConditions(filters: Filters): Conditions {
  const where = filterConditions(filters)
  return filters.search === null ? where : and(where, termConditions(filters.search))
}

/** Finds the id of the last row of a span of `SPAN_ROWS` rows; null when fewer are left. */
async function findSpanEnd(reader: Reader, after: Buffer | null): Promise<Buffer | null> {
  const { conditions, params } = idRange(after, null)
  const sql = select('id', conditions, `LIMIT 1 OFFSET ${SPAN_ROWS - 1}`)
  const [last] = await reader.execute<{ id: Buffer }>(sql, params)
  return last?.id ?? null
}

function idRange(after: Buffer | null, end: Buffer | null): { conditions: string[]; params: Params } {
  return {
    conditions: [...(after === null ? [] : ['id > ?']), ...(end === null ? [] : ['id <= ?'])],
    params: [after, end].filter((id) => id !== null)
  }
}

function select(columns: string, conditions: readonly string[], limit: string): string {
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  return `SELECT ${columns} FROM products FORCE INDEX (PRIMARY)${where} ORDER BY id ${limit}`
}
