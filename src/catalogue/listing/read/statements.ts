import type { SortKey } from '../../../../schemas/products.ts'
import { limitedSelect } from '../../../platform/database/connection-options.ts'
import { datetimeToTimestamp, timestampToDatetime } from '../../../platform/lib/timestamps.ts'
import { columnsOf, type ProductRow, productColumns } from '../../products/product-row.ts'
import { fullTextExpression, type SearchTerm, termConditions } from '../../search/search-words.ts'
import { signatureConditions, signatureOf } from '../../search/word-signature.ts'
import type { SelectiveSource } from '../plan/plan-list.ts'
import type { Position } from '../query/cursor.ts'
import { type Filters, isReadAscending, type ListQuery } from '../query/list-query.ts'

/** A statement for `Database.execute`: SQL, and the values for its question marks. */
export interface Statement {
  sql: string
  params: (string | Buffer)[]
}

/** Conditions on a row of `products`, to be joined by AND, and the values for their question marks in order. */
export interface Conditions {
  conditions: string[]
  params: (string | Buffer)[]
}

/** A range of a list in reading order. */
export interface KeyRange {
  /** The position at which it begins; null for the start of the list. */
  from: Position | null
  /** The position at which it ends, the row at that position included; null for the end of the list. */
  until: Position | null
}

/**
 * A row that a walk has reached: its sort value, its id and, if it has the words of the search, its columns; otherwise they
 * are null.
 */
export type WalkedRow = { key_value: string; key_id: Buffer } & (ProductRow | { [Column in keyof ProductRow]: null })

/** The column of each sort key. */
export const sortColumns = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  price: 'price',
  name: 'name'
} as const satisfies Record<SortKey, string>

const productColumnsOfP = columnsOf('p.')

/**
 * Makes the statement for a step of a walk. Prices and signatures are tested inside the index (index condition pushdown);
 * a derived table takes the entries that pass from the index alone, which every engine does in both directions; then
 * their rows are joined and their words tested there.
 *
 * Several categories make an ordered walk each, merged by UNION ALL: an index has an order within a category, not across
 * them.
 * @param limit the most entries to take. Those that fail are not counted, so that only the end of the range bounds the work
 */
export function walkStatement(query: ListQuery, range: KeyRange, limit: number): Statement {
  const { column, order } = orderOf(query)
  const scopes = query.categories.length === 0 ? [[]] : query.categories.map((category) => [category])
  const walks = scopes.map((categories) => {
    const where = and(indexConditions({ ...query, categories }), rangeConditions(query, range))
    return select(
      `${column}, id ${fromProducts(where, sortIndex({ categories }, column))} ${order()}`,
      where.params,
      limit
    )
  })
  const walk = walks.length === 1 ? (walks[0] as Statement) : unionOf(walks, order(), limit)
  const words = query.search === null ? null : termConditions(query.search, 'p.search_words')
  const join = words === null ? 'JOIN' : 'LEFT JOIN'
  const sql = `SELECT STRAIGHT_JOIN k.${column} AS key_value, k.id AS key_id, ${productColumnsOfP} FROM (${walk.sql}) k
    ${join} products p ON ${['p.id = k.id', ...(words?.conditions ?? [])].join(' AND ')} ${order('k.')}`
  return { sql, params: [...walk.params, ...(words?.params ?? [])] }
}

/**
 * Makes the statement for a list that needs no plan: no row has to be tested, because the filters are a range of the index of
 * the sort. Rows are then fetched as the index gives them; those of several categories are merged first.
 */
export function directStatement(query: ListQuery, limit: number): Statement {
  const range = { from: query.from, until: null }
  if (query.categories.length > 1) return walkStatement(query, range, limit)
  const { column, order } = orderOf(query)
  const where = and(indexConditions(query), rangeConditions(query, range))
  return select(`${productColumns} ${fromProducts(where, sortIndex(query, column))} ${order()}`, where.params, limit)
}

/**
 * Makes the statement for a selective fetch: it finds all matches, sorts them, and returns the first ones.
 * @param from the position after which rows are wanted; null for the start of the list
 * @param timeoutMs the time after which the server gives up
 */
export function selectiveStatement(
  query: ListQuery,
  source: SelectiveSource,
  { from, limit, timeoutMs }: { from: Position | null; limit: number; timeoutMs: number }
): Statement {
  const { column, order } = orderOf(query)
  const where = and(selectiveConditions(query, source), rangeConditions(query, { from, until: null }))
  const matches = select(
    `${column}, id ${fromProducts(where, selectiveIndex(query, source))} ${order()}`,
    where.params,
    limit
  )
  const sql = `STRAIGHT_JOIN ${productColumnsOfP} FROM (${matches.sql}) k JOIN products p ON p.id = k.id ${order('k.')}`
  return { sql: limitedSelect(sql, timeoutMs), params: matches.params }
}

/** Makes the conditions of the filters except the search, which the callers test in different ways. */
export function filterConditions({ categories, minPrice, maxPrice }: Omit<Filters, 'search'>): Conditions {
  const conditions: string[] = []
  if (categories.length > 0) conditions.push(`category IN (${categories.map(() => '?').join(', ')})`)
  if (minPrice !== null) conditions.push('price >= ?')
  if (maxPrice !== null) conditions.push('price <= ?')
  return { conditions, params: [...categories, ...[minPrice, maxPrice].filter((price) => price !== null)] }
}

/** Makes all conditions of the filters that remain to be tested when rows come from an index of words or prices. */
export function selectiveConditions(filters: Filters, source: SelectiveSource): Conditions {
  const search = filters.search ?? []
  if (source === 'prices') return and(indexConditions(filters), termConditions(search))
  // FULLTEXT needs no test for the terms that it is asked for, and without a test can count by itself.
  const otherTerms = search.filter((term) => !source.terms.includes(term))
  return and(and(filterConditions(filters), fullText(source.terms)), termConditions(otherTerms))
}

/** Makes the conditions for a range of a list. */
export function rangeConditions(query: Pick<ListQuery, 'sort' | 'from'>, { from, until }: KeyRange): Conditions {
  const ascending = isReadAscending(query)
  const { key } = query.sort
  const start = from === null ? NONE : seekConditions(key, from, ascending)
  return and(start, until === null ? NONE : seekConditions(key, { ...until, inclusive: true }, !ascending))
}

/** Joins conditions, all of which must hold. */
export function and(a: Conditions, b: Conditions): Conditions {
  return { conditions: [...a.conditions, ...b.conditions], params: [...a.params, ...b.params] }
}

/**
 * Makes `FROM products`, with an index and conditions. Without a hint an engine may sort a whole category to find twenty
 * rows.
 * @param index null to leave the choice to the engine
 */
export function fromProducts({ conditions }: Conditions, index: string | null): string {
  const hint = index === null ? '' : ` FORCE INDEX (${index})`
  return `FROM products${hint}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`
}

/** Returns the name of the index of a sort: of all products, or of each category if the filters name any. */
export function sortIndex({ categories }: Pick<Filters, 'categories'>, column: string): string {
  return `products_${categories.length > 0 ? 'category_' : ''}${column}`
}

/** Returns the name of the index that a selective fetch reads; null for FULLTEXT, which needs no hint. */
export function selectiveIndex(filters: Filters, source: SelectiveSource): string | null {
  return source === 'prices' ? sortIndex(filters, 'price') : null
}

/** Converts a sort value of the database to one of the API. */
export function fromStored(key: SortKey, stored: string): string {
  return isTime(key) ? datetimeToTimestamp(stored) : stored
}

function toStored(key: SortKey, value: string): string {
  return isTime(key) ? timestampToDatetime(value) : value
}

function isTime(key: SortKey): boolean {
  return key === 'createdAt' || key === 'updatedAt'
}

const NONE: Conditions = { conditions: [], params: [] }

/** The filters as far as an index of a sort can test them: of the words, only the signature. */
function indexConditions(filters: Filters): Conditions {
  const where = filterConditions(filters)
  return filters.search === null ? where : and(where, signatureConditions(signatureOf(filters.search)))
}

function fullText(terms: readonly SearchTerm[]): Conditions {
  return { conditions: ['MATCH (search_words) AGAINST (? IN BOOLEAN MODE)'], params: [fullTextExpression(terms)] }
}

/**
 * The rows on one side of a position (keyset pagination). MySQL reads a range of the index for `a < ? OR (a = ? AND id < ?)`,
 * but not for `(a, id) < (?, ?)`.
 */
function seekConditions(key: SortKey, { value, id, inclusive }: Position, ascending: boolean): Conditions {
  const column = sortColumns[key]
  const beyond = ascending ? '>' : '<'
  const stored = toStored(key, value)
  return {
    conditions: [`(${column} ${beyond} ? OR (${column} = ? AND id ${beyond}${inclusive ? '=' : ''} ?))`],
    params: [stored, stored, id]
  }
}

function orderOf(query: ListQuery) {
  const column = sortColumns[query.sort.key]
  const direction = isReadAscending(query) ? 'ASC' : 'DESC'
  const order = (table = '') => `ORDER BY ${table}${column} ${direction}, ${table}id ${direction}`
  return { column, order }
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
