import type { ProductListQuery } from '../../../../schemas/products.ts'
import { normalizeText } from '../../products/normalize-text.ts'
import { decodeCursor, fingerprintQuery } from './cursor.ts'
import { type Filters, parseFilters } from './filters.ts'
import type { Position, Sort } from './sort.ts'

const DEFAULT_LIMIT = 20

/** What a list request asks for, checked and in one normal form. */
export interface ListQuery extends Filters {
  sort: Sort
  limit: number
  /** Whether to tell how many products there are, and how well. */
  total: 'estimate' | 'exact' | null
  /** Where the page begins; null is the start of the list. */
  from: Position | null
  fingerprint: Buffer
  /** The query string in one form, but for the cursor: what means the same may be written in many ways. */
  canonical: string
}

/**
 * Reads a validated query string.
 * @throws {AppError} naming the parameter that makes no sense beside the others
 */
export function parseListQuery(query: ProductListQuery): ListQuery {
  const filters = {
    ...parseFilters(query),
    sort: { key: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' } satisfies Sort
  }
  const print = fingerprintQuery(filters)
  const from = query.cursor === undefined ? null : decodeCursor(query.cursor, print)
  const limit = query.limit ?? DEFAULT_LIMIT
  const canonical = canonicalQuery(query, filters.categories, limit)
  return { ...filters, limit, total: query.total ?? null, from, fingerprint: print, canonical }
}

/** The search stays as it was written: nobody gets to see the spelling of others. */
function canonicalQuery(query: ProductListQuery, categories: readonly string[], limit: number): string {
  const params = new URLSearchParams(categories.map((category): [string, string] => ['category', category]))
  const set = (name: string, value: string | undefined, otherwise?: string) => {
    if (value !== undefined && value !== otherwise) params.set(name, value)
  }
  set('minPrice', query.minPrice)
  set('maxPrice', query.maxPrice)
  set('search', query.search && normalizeText(query.search))
  set('sortBy', query.sortBy, 'createdAt')
  set('sortOrder', query.sortOrder, 'desc')
  set('limit', String(limit), String(DEFAULT_LIMIT))
  set('total', query.total)
  return params.toString()
}
