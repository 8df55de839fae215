import { timestampToDatetime } from '../database/datetime.ts'
import { filterConditions } from './filters.ts'
import type { ListQuery } from './list-query.ts'
import { productColumns } from '../products/product-row.ts'
import { fullTextExpression } from '../search/search-words.ts'
import { isReadAscending, type Position, type Sort, sortColumns } from './sort.ts'

export interface Statement {
  sql: string
  params: (string | Buffer)[]
}

/**
 * The statement for one page, with one row more than the page so that it shows whether the list goes on. It seeks to
 * the position in the index of the sort, so that a page costs the same at any depth.
 *
 * A page before a position is read in reverse; its rows come in reverse order.
 */
export function listStatement(query: ListQuery): Statement {
  const limit = String(query.limit + 1)
  const order = orderBy(query.sort, query.from?.backward === true)
  if (query.search !== null || query.categories.length < 2) {
    const { sql, params } = select(query, query.categories)
    return { sql: `${sql} ${order} LIMIT ?`, params: [...params, limit] }
  }
  // One ordered walk for each category: an index can give the order within a category, not across several.
  const walks = query.categories.map((category) => select(query, [category]))
  return {
    sql: `${walks.map(({ sql }) => `(${sql} ${order} LIMIT ?)`).join(' UNION ALL ')} ${order} LIMIT ?`,
    params: [...walks.flatMap(({ params }) => [...params, limit]), limit]
  }
}

function select(query: ListQuery, categories: readonly string[]): Statement {
  const filters = filterConditions({ ...query, categories })
  const { conditions } = filters
  const params: Statement['params'] = [...filters.params]
  const where = (condition: string, ...values: Statement['params']) => {
    conditions.push(condition)
    params.push(...values)
  }
  if (query.search !== null) where('MATCH (search_words) AGAINST (? IN BOOLEAN MODE)', fullTextExpression(query.search))
  if (query.from !== null) where(...seek(query.sort, query.from))
  const sql = `SELECT ${productColumns} FROM products${indexHint(query)}`
  return { sql: conditions.length === 0 ? sql : `${sql} WHERE ${conditions.join(' AND ')}`, params }
}

/** MySQL uses the index for `a < ? OR (a = ? AND id < ?)`, but not for `(a, id) < (?, ?)`. */
function seek(sort: Sort, from: Position): [string, ...(string | Buffer)[]] {
  const column = sortColumns[sort.key]
  const beyond = isReadAscending(sort, from.backward) ? '>' : '<'
  const isTime = sort.key === 'createdAt' || sort.key === 'updatedAt'
  const value = isTime ? timestampToDatetime(from.value) : from.value
  return [
    `(${column} ${beyond} ? OR (${column} = ? AND id ${beyond}${from.inclusive ? '=' : ''} ?))`,
    value,
    value,
    from.id
  ]
}

function orderBy(sort: Sort, backward: boolean): string {
  const direction = isReadAscending(sort, backward) ? 'ASC' : 'DESC'
  return `ORDER BY ${sortColumns[sort.key]} ${direction}, id ${direction}`
}

/**
 * Left to itself the engine may sort a whole category to find twenty rows. The one choice that is left to it is between
 * the order of the sort and a price range, which may be narrow.
 */
function indexHint(query: ListQuery): string {
  if (query.search !== null) return ''
  const scope = query.categories.length > 0 ? 'products_category_' : 'products_'
  const indexes = [`${scope}${sortColumns[query.sort.key]}`]
  const hasPriceRange = query.minPrice !== null || query.maxPrice !== null
  if (hasPriceRange && query.sort.key !== 'price') indexes.push(`${scope}price`)
  return ` FORCE INDEX (${indexes.join(', ')})`
}
