import type { ProductExportQuery } from '../../schemas/export.ts'
import { parameterError } from '../errors.ts'
import { normalizeText } from '../products/normalize-text.ts'
import { type SearchWords, searchWords } from '../search/search-words.ts'

/** Which products are asked for, checked and in one normal form. */
export interface Filters {
  categories: readonly string[]
  minPrice: string | null
  maxPrice: string | null
  search: SearchWords | null
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

/** The filters as conditions on a row, but for the search, which has more than one. */
export function filterConditions({ categories, minPrice, maxPrice }: Omit<Filters, 'search'>) {
  const conditions: string[] = []
  if (categories.length > 0) conditions.push(`category IN (${categories.map(() => '?').join(', ')})`)
  if (minPrice !== null) conditions.push('price >= ?')
  if (maxPrice !== null) conditions.push('price <= ?')
  const prices = [minPrice, maxPrice].filter((price) => price !== null)
  return { conditions, params: [...categories, ...prices] }
}

function parseSearch(search: string): SearchWords {
  const words = searchWords(search)
  if (words === null) throw parameterError('search', 'must contain at least one letter or digit')
  return words
}
