import type { ProductListQuery } from '../../schemas/products.ts'
import { parameterError } from '../errors.ts'
import { decodeCursor, fingerprint } from './cursor.ts'
import { normalizeText } from './normalize-text.ts'
import { type SearchWords, searchWords } from './search-words.ts'
import type { Position, Sort } from './sort.ts'

/** What a list request asks for, checked and in one normal form. */
export interface ListQuery {
  categories: readonly string[]
  minPrice: string | null
  maxPrice: string | null
  search: SearchWords | null
  sort: Sort
  limit: number
  /** Where the page begins; null is the start of the list. */
  from: Position | null
  fingerprint: Buffer
}

/**
 * Reads a validated query string.
 * @throws {AppError} naming the parameter that makes no sense beside the others
 */
export function parseListQuery(query: ProductListQuery): ListQuery {
  const filters = {
    categories: [...new Set((query.category ?? []).map(normalizeText))].sort(),
    minPrice: query.minPrice ?? null,
    maxPrice: query.maxPrice ?? null,
    search: query.search === undefined ? null : parseSearch(query.search),
    sort: { key: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' } satisfies Sort
  }
  if (filters.minPrice !== null && filters.maxPrice !== null && Number(filters.minPrice) > Number(filters.maxPrice)) {
    throw parameterError('minPrice', 'must not be above maxPrice')
  }
  const print = fingerprint(filters)
  const from = query.cursor === undefined ? null : decodeCursor(query.cursor, print)
  return { ...filters, limit: query.limit ?? 20, from, fingerprint: print }
}

function parseSearch(search: string): SearchWords {
  const words = searchWords(search)
  if (words === null) throw parameterError('search', 'must contain at least one letter or digit')
  return words
}
