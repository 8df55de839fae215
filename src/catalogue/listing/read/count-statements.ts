import { limitedSelect } from '../../../platform/database/statement-timeout.ts'
import type { Filters } from '../query/filters.ts'
import type { Position, Sort } from '../query/sort.ts'
import {
  both,
  fromProducts,
  type SelectiveSource,
  selectiveConditions,
  selectiveIndex,
  sortIndex,
  within
} from './conditions.ts'
import type { Statement } from './list-statements.ts'

const BY_PRICE: Sort = { key: 'price', order: 'asc' }

/**
 * Counts what passes the filters between two places in the order of prices, in the index alone as far as it can tell.
 * Every engine tests inside an index on its way forward.
 */
export function countStatement(filters: Filters, from: Position | null, until: Position | null): Statement {
  const where = both(selectiveConditions(filters, 'prices'), within(BY_PRICE, from, until, true))
  return { sql: `SELECT COUNT(*) AS count ${fromProducts(where, sortIndex(filters, 'price'))}`, params: where.params }
}

/**
 * Counts what is few by its words or its prices.
 * @param timeoutMs after which the server gives it up
 */
export function countSelectiveStatement(filters: Filters, source: SelectiveSource, timeoutMs: number): Statement {
  const where = selectiveConditions(filters, source)
  const sql = `COUNT(*) AS count ${fromProducts(where, selectiveIndex(filters, source))}`
  return { sql: limitedSelect(sql, timeoutMs), params: where.params }
}

/**
 * Counts by category and price band. Without a source, in the index of the categories.
 * @param bands where each band but the first one begins, ascending
 */
export function facetStatement(
  filters: Filters,
  source: SelectiveSource | null,
  bands: readonly string[],
  limit: number,
  timeoutMs: number
): Statement {
  const where = selectiveConditions(filters, source ?? 'prices')
  const index = source === null ? 'products_category_price' : selectiveIndex(filters, source)
  const band = `INTERVAL(price, ${bands.join(', ')})`
  const sql = `category, ${band} AS band, COUNT(*) AS count ${fromProducts(where, index)} GROUP BY category, band LIMIT ${limit}`
  return { sql: limitedSelect(sql, timeoutMs), params: where.params }
}
