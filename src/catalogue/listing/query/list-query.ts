import type { ProductExportQuery } from '../../../../schemas/export.ts'
import type { ProductListQuery, SortKey } from '../../../../schemas/products.ts'
import { parameterError } from '../../../platform/errors/app-error.ts'
import { normalizeText } from '../../products/fields.ts'
import { type SearchTerm, searchTerms } from '../../search/search-words.ts'
import { decodeCursor, fingerprintQuery, type Position } from './cursor.ts'

const DEFAULT_LIMIT = 20

/** The products that a list, an export or facets ask for, checked and in one normal form. */
export interface Filters {
  /** A product has one of these; with none of them it may have any category, or none. Sorted, without duplicates. */
  categories: readonly string[]
  /** The lowest price, inclusive, as a decimal string; null for no lower bound. */
  minPrice: string | null
  /** The highest price, inclusive, as a decimal string; null for no upper bound. */
  maxPrice: string | null
  /** A product has all of these terms; null when there is no search. */
  search: readonly SearchTerm[] | null
}

/** The order of a list. Every order ends in `id`, in the same direction, so that there are no ties. */
export interface Sort {
  key: SortKey
  order: 'asc' | 'desc'
}

/** The query of a list, checked and in one normal form. */
export interface ListQuery extends Filters {
  sort: Sort
  /** The most products that the page may have. */
  limit: number
  /** How to find the number of products in the whole list; null when it was not asked for. */
  total: 'estimate' | 'exact' | null
  /** The position at which the page begins; null for the start of the list. */
  from: Position | null
  /** The hash of filters and sort that cursors of this list carry. */
  fingerprint: Buffer
  /** The query string without its cursor, in the one form that all equivalent query strings share. */
  canonical: string
}

/**
 * Reads the filters of a query string that its schema has accepted.
 * @throws {AppError} `validation-failed`, with the parameter that contradicts the others or has no meaning
 */
export function parseFilters(query: ProductExportQuery): Filters {
  const filters = {
    categories: [...new Set((query.category ?? []).map(normalizeText))].sort(),
    minPrice: query.minPrice ?? null,
    maxPrice: query.maxPrice ?? null,
    search: query.search === undefined ? null : parseSearch(query.search)
  }
  if (filters.minPrice !== null && filters.maxPrice !== null && Number(filters.minPrice) > Number(filters.maxPrice)) {
    throw parameterError('minPrice', 'must not be above maxPrice')
  }
  return filters
}

/**
 * Reads the query of a list from a query string that its schema has accepted.
 * @throws {AppError} `validation-failed` as `parseFilters`, `invalid-cursor` or `cursor-mismatch` as `decodeCursor`
 */
export function parseListQuery(query: ProductListQuery): ListQuery {
  const filters = {
    ...parseFilters(query),
    sort: { key: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' } satisfies Sort
  }
  const fingerprint = fingerprintQuery(filters)
  const from = query.cursor === undefined ? null : decodeCursor(query.cursor, fingerprint)
  const limit = query.limit ?? DEFAULT_LIMIT
  const canonical = canonicalQuery(query, filters.categories, limit)
  return { ...filters, limit, total: query.total ?? null, from, fingerprint, canonical }
}

/** Returns whether the filters bound the price on either side. */
export function hasPriceFilter({ minPrice, maxPrice }: Pick<Filters, 'minPrice' | 'maxPrice'>): boolean {
  return minPrice !== null || maxPrice !== null
}

/**
 * Returns whether sort values grow in reading order: the order of the list, or its reverse when the page before a cursor
 * is read.
 */
export function isReadAscending({ sort, from }: Pick<ListQuery, 'sort' | 'from'>): boolean {
  return (sort.order === 'asc') !== (from?.backward === true)
}

function parseSearch(search: string): SearchTerm[] {
  const terms = searchTerms(search)
  if (terms === null) throw parameterError('search', 'must contain at least one letter or digit')
  return terms
}

function canonicalQuery(query: ProductListQuery, categories: readonly string[], limit: number): string {
  const params = new URLSearchParams(categories.map((category): [string, string] => ['category', category]))
  const set = (name: string, value: string | undefined, byDefault?: string) => {
    if (value !== undefined && value !== byDefault) params.set(name, value)
  }
  set('minPrice', query.minPrice)
  set('maxPrice', query.maxPrice)
  // As the client spelled it: links show it, and no client may see the spelling of another one.
  set('search', query.search && normalizeText(query.search))
  set('sortBy', query.sortBy, 'createdAt')
  set('sortOrder', query.sortOrder, 'desc')
  set('limit', String(limit), String(DEFAULT_LIMIT))
  set('total', query.total)
  return params.toString()
}
