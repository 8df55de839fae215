import { fullTextExpression, type SearchTerm, termConditions } from '../../search/search-words.ts'
import { signatureConditions, signatureOf } from '../../search/word-signature.ts'
import type { Filters } from '../query/filters.ts'
import { type Position, type Sort, sortColumns, toStored } from '../query/sort.ts'

/** Conditions on a row of `products`, all of which are to hold, and what is in the place of their question marks. */
export interface Conditions {
  conditions: string[]
  params: (string | Buffer)[]
}

/** Where the few come from that are fetched and sorted: the index of the words, or that of the prices. */
export type SelectiveSource = { terms: readonly SearchTerm[] } | 'prices'

/** The filters but for the search, which can be told in more than one way. */
export function filterConditions({ categories, minPrice, maxPrice }: Omit<Filters, 'search'>): Conditions {
  const conditions: string[] = []
  if (categories.length > 0) conditions.push(`category IN (${categories.map(() => '?').join(', ')})`)
  if (minPrice !== null) conditions.push('price >= ?')
  if (maxPrice !== null) conditions.push('price <= ?')
  return { conditions, params: [...categories, ...[minPrice, maxPrice].filter((price) => price !== null)] }
}

/** The filters as far as an index of a sort can test them: of the words, their signature. */
export function indexConditions(filters: Filters): Conditions {
  const where = filterConditions(filters)
  return filters.search === null ? where : both(where, signatureConditions(signatureOf(filters.search)))
}

/** All filters, and what finds the few among which they are tested. */
export function selectiveConditions(filters: Filters, source: SelectiveSource): Conditions {
  const search = filters.search ?? []
  if (source === 'prices') return both(indexConditions(filters), termConditions(search))
  // What FULLTEXT is asked for needs no test, without which it can count by itself.
  const others = search.filter((term) => !source.terms.includes(term))
  return both(both(filterConditions(filters), fullText(source.terms)), termConditions(others))
}

/** The rows behind a position. MySQL uses the index for `a < ? OR (a = ? AND id < ?)`, but not for `(a, id) < (?, ?)`. */
function seek(sort: Sort, { value, id, inclusive }: Position, ascending: boolean): Conditions {
  const column = sortColumns[sort.key]
  const beyond = ascending ? '>' : '<'
  const stored = toStored(sort.key, value)
  return {
    conditions: [`(${column} ${beyond} ? OR (${column} = ? AND id ${beyond}${inclusive ? '=' : ''} ?))`],
    params: [stored, stored, id]
  }
}

/** The rows between two positions; null bounds nothing. */
export function within(sort: Sort, from: Position | null, until: Position | null, ascending: boolean): Conditions {
  const start = from === null ? NONE : seek(sort, from, ascending)
  return both(start, until === null ? NONE : seek(sort, { ...until, inclusive: true }, !ascending))
}

export function both(a: Conditions, b: Conditions): Conditions {
  return { conditions: [...a.conditions, ...b.conditions], params: [...a.params, ...b.params] }
}

/** `FROM products`, read by an index. Left to itself the engine may sort a whole category to find twenty rows. */
export function fromProducts({ conditions }: Conditions, index: string | null): string {
  const hint = index === null ? '' : ` FORCE INDEX (${index})`
  return `FROM products${hint}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`
}

/** The index of a sort, within categories where there are any. */
export function sortIndex({ categories }: Pick<Filters, 'categories'>, column: string): string {
  return `products_${categories.length > 0 ? 'category_' : ''}${column}`
}

/** FULLTEXT has an index of its own, which nobody has to name. */
export function selectiveIndex(filters: Filters, source: SelectiveSource): string | null {
  return source === 'prices' ? sortIndex(filters, 'price') : null
}

const NONE: Conditions = { conditions: [], params: [] }

function fullText(terms: readonly SearchTerm[]): Conditions {
  return { conditions: ['MATCH (search_words) AGAINST (? IN BOOLEAN MODE)'], params: [fullTextExpression(terms)] }
}
