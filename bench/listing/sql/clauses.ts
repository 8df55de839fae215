import { isReadAscending, type ListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { type Statement, sortColumns } from '../../../src/catalogue/listing/read/statements.ts'
import { columnsOf, productColumns } from '../../../src/catalogue/products/product-row.ts'
import { fullTextExpression } from '../../../src/catalogue/search/search-words.ts'
import { signatureConditions, signatureOf } from '../../../src/catalogue/search/word-signature.ts'

/** A condition on a row of `products`, and its parameters. */
export type Condition = readonly [sql: string, ...params: Statement['params']]

const lateColumns = columnsOf('p.')

/** Returns the conditions of all filters except for the search. */
export function filters({ categories, minPrice, maxPrice }: ListQuery): Condition[] {
  const conditions: Condition[] = []
  if (categories.length === 1) conditions.push(['category = ?', ...categories])
  if (categories.length > 1) conditions.push([`category IN (${categories.map(() => '?')})`, ...categories])
  if (minPrice !== null) conditions.push(['price >= ?', minPrice])
  if (maxPrice !== null) conditions.push(['price <= ?', maxPrice])
  return conditions
}

/** Returns the condition for the rows after the cursor. */
export function seek({ from, sort }: ListQuery): Condition[] {
  if (from === null) return []
  const column = sortColumns[sort.key]
  const beyond = isReadAscending({ sort, from }) ? '>' : '<'
  const isTime = sort.key === 'createdAt' || sort.key === 'updatedAt'
  const value = isTime ? from.value.slice(0, -1).replace('T', ' ') : from.value
  return [[`(${column} ${beyond} ? OR (${column} = ? AND id ${beyond} ?))`, value, value, from.id]]
}

/** Returns the search as a FULLTEXT condition. */
export function match({ search }: Pick<ListQuery, 'search'>): Condition[] {
  return [['MATCH (search_words) AGAINST (? IN BOOLEAN MODE)', fullTextExpression(search ?? [])]]
}

/** Returns the search as substring conditions. */
export function locate({ search }: ListQuery): Condition[] {
  return (search ?? []).map((term) => ['LOCATE(?, search_words) > 0', term])
}

/** Returns the conditions on the word signature: all matches meet them, and a few other rows. */
export function signatures({ search }: ListQuery): Condition[] {
  const { conditions, params } = signatureConditions(signatureOf(search ?? []))
  return [[conditions.join(' AND ') || 'TRUE', ...params]]
}

/** Returns the name of the index in the sort order. */
export function sortIndexName({ sort, categories }: Pick<ListQuery, 'sort' | 'categories'>): string {
  return `products_${categories.length === 1 ? 'category_' : ''}${sortColumns[sort.key]}`
}

/**
 * Writes a FROM and WHERE clause.
 * @param index null to let the engine choose
 */
export function fromClause(index: string | null, conditions: readonly Condition[]): Statement {
  const hint = index === null ? '' : ` FORCE INDEX (${index})`
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`
  return { sql: `FROM products${hint}${where}`, params: conditions.flatMap(([, ...params]) => params) }
}

/** Writes a page in one SELECT, with one row more than the page has. */
export function page(query: ListQuery, index: string | null, conditions: readonly Condition[]): Statement {
  const { sql, params } = fromClause(index, conditions)
  return { sql: `SELECT ${productColumns} ${sql} ${orderOf(query)} LIMIT ?`, params: [...params, limitOf(query)] }
}

/** Writes a page in two steps: the ids from the index, then the rows of the page (late row lookup). */
export function latePage(query: ListQuery, index: string | null, conditions: readonly Condition[]): Statement {
  const { sql, params } = fromClause(index, conditions)
  return {
    sql: `SELECT STRAIGHT_JOIN ${lateColumns} FROM (SELECT id ${sql} ${orderOf(query)} LIMIT ?) k
      JOIN products p ON p.id = k.id ${orderOf(query, 'p.')}`,
    params: [...params, limitOf(query)]
  }
}

/** Writes a page as the union of one ordered walk per category, with late row lookup. */
export function latePageOfEach(query: ListQuery, conditions: (query: ListQuery) => Condition[]): Statement {
  const column = sortColumns[query.sort.key]
  const walks = query.categories.map((category) => {
    const single = { ...query, categories: [category] }
    const { sql, params } = fromClause(sortIndexName(single), conditions(single))
    return {
      sql: `(SELECT ${column}, id ${sql} ${orderOf(query)} LIMIT ?)`,
      params: [...params, limitOf(query)]
    }
  })
  const union = walks.map(({ sql }) => sql).join(' UNION ALL ')
  return {
    sql: `SELECT STRAIGHT_JOIN ${lateColumns} FROM (${union} ${orderOf(query)} LIMIT ?) k
      JOIN products p ON p.id = k.id ${orderOf(query, 'p.')}`,
    params: [...walks.flatMap(({ params }) => params), limitOf(query)]
  }
}

/**
 * Writes the ORDER BY clause.
 * @param table the alias with a dot, if there are several tables
 */
export function orderOf({ sort, from }: ListQuery, table = ''): string {
  const direction = isReadAscending({ sort, from }) ? 'ASC' : 'DESC'
  return `ORDER BY ${table}${sortColumns[sort.key]} ${direction}, ${table}id ${direction}`
}

function limitOf({ limit }: ListQuery): string {
  return String(limit + 1)
}
