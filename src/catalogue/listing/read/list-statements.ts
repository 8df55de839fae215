import { limitedSelect } from '../../../platform/database/statement-timeout.ts'
import { type ProductRow, productColumns } from '../../products/product-row.ts'
import { termConditions } from '../../search/search-words.ts'
import type { ListQuery } from '../query/list-query.ts'
import { isReadAscending, type Position, sortColumns } from '../query/sort.ts'
import {
  both,
  fromProducts,
  indexConditions,
  type SelectiveSource,
  selectiveConditions,
  selectiveIndex,
  sortIndex,
  within
} from './conditions.ts'

export interface Statement {
  sql: string
  params: (string | Buffer)[]
}

/** Part of a list, in the direction of reading. */
export interface Stretch {
  /** Where it begins; null is the start of the list. */
  from: Position | null
  /** Where it ends, the row at that position included; null is the end of the list. */
  until: Position | null
  limit: number
}

/** A row that was met on a walk. Where its words are not those of the search, there is its place alone. */
export type WalkedRow = { key_value: string; key_id: Buffer } & (ProductRow | { [Column in keyof ProductRow]: null })

const columns = productColumns.replace(/\w+/g, 'p.$&')

/**
 * Walks the order of the sort. Prices and signatures are tested inside the index, and what passes is taken from there
 * alone, which every engine does in both directions; then its rows are fetched, and their words tested.
 *
 * Several categories are an ordered walk each: an index can give the order within a category, not across them.
 */
export function walkStatement(query: ListQuery, { from, until, limit }: Stretch): Statement {
  const { column, ascending, order } = orderOf(query)
  const scopes = query.categories.length === 0 ? [[]] : query.categories.map((category) => [category])
  const walks = scopes.map((categories) => {
    const where = both(indexConditions({ ...query, categories }), within(query.sort, from, until, ascending))
    return select(
      `${column}, id ${fromProducts(where, sortIndex({ categories }, column))} ${order()}`,
      where.params,
      limit
    )
  })
  const walk = walks.length === 1 ? (walks[0] as Statement) : unionOf(walks, order(), limit)
  const words = query.search === null ? null : termConditions(query.search, 'p.search_words')
  const join = words === null ? 'JOIN' : 'LEFT JOIN'
  const sql = `SELECT STRAIGHT_JOIN k.${column} AS key_value, k.id AS key_id, ${columns} FROM (${walk.sql}) k
    ${join} products p ON ${['p.id = k.id', ...(words?.conditions ?? [])].join(' AND ')} ${order('k.')}`
  return { sql, params: [...walk.params, ...(words?.params ?? [])] }
}

/**
 * Reads a list of which no row has to be tested: its filters are ends of its index. Rows as they come are then the
 * fastest; those of several categories are merged first.
 */
export function straightStatement(query: ListQuery, limit: number): Statement {
  const { from } = query
  if (query.categories.length > 1) return walkStatement(query, { from, until: null, limit })
  const { column, ascending, order } = orderOf(query)
  const where = both(indexConditions(query), within(query.sort, from, null, ascending))
  return select(`${productColumns} ${fromProducts(where, sortIndex(query, column))} ${order()}`, where.params, limit)
}

/**
 * Fetches what is few by its words or its prices, sorts it, and takes the first ones.
 * @param timeoutMs after which the server gives it up
 */
export function selectiveStatement(
  query: ListQuery,
  source: SelectiveSource,
  { from, limit }: Pick<Stretch, 'from' | 'limit'>,
  timeoutMs: number
): Statement {
  const { column, ascending, order } = orderOf(query)
  const where = both(selectiveConditions(query, source), within(query.sort, from, null, ascending))
  const few = select(
    `${column}, id ${fromProducts(where, selectiveIndex(query, source))} ${order()}`,
    where.params,
    limit
  )
  const sql = `STRAIGHT_JOIN ${columns} FROM (${few.sql}) k JOIN products p ON p.id = k.id ${order('k.')}`
  return { sql: limitedSelect(sql, timeoutMs), params: few.params }
}

function orderOf({ sort, from }: ListQuery) {
  const column = sortColumns[sort.key]
  const ascending = isReadAscending(sort, from?.backward === true)
  const direction = ascending ? 'ASC' : 'DESC'
  const order = (table = '') => `ORDER BY ${table}${column} ${direction}, ${table}id ${direction}`
  return { column, ascending, order }
}

function select(selected: string, params: Statement['params'], limit: number): Statement {
  return { sql: `SELECT ${selected} LIMIT ?`, params: [...params, String(limit)] }
}

function unionOf(walks: readonly Statement[], order: string, limit: number): Statement {
  return {
    sql: `${walks.map(({ sql }) => `(${sql})`).join(' UNION ALL ')} ${order} LIMIT ?`,
    params: [...walks.flatMap(({ params }) => params), String(limit)]
  }
}
