import type { ProductExportQuery } from '../../../../schemas/export.ts'
import { parameterError } from '../../../platform/errors/app-error.ts'
import { normalizeText } from '../../products/normalize-text.ts'
import { type SearchTerm, searchTerms } from '../../search/search-words.ts'

/** Which products are asked for, checked and in one normal form. */
export interface Filters {
  categories: readonly string[]
  minPrice: string | null
  maxPrice: string | null
  /** All of them are to be in a product; null asks for no words. */
  search: readonly SearchTerm[] | null
}

/**
 * Reads the filters of a validated query string.
 * @throws {AppError} naming the parameter that makes no sense beside the others
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

export function hasPriceFilter({ minPrice, maxPrice }: Pick<Filters, 'minPrice' | 'maxPrice'>): boolean {
  return minPrice !== null || maxPrice !== null
}

function parseSearch(search: string): SearchTerm[] {
  const terms = searchTerms(search)
  if (terms === null) throw parameterError('search', 'must contain at least one letter or digit')
  return terms
}
