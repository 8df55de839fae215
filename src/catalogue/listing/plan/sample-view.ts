import type { Database } from '../../../platform/database/database.ts'
import type { SearchTerm } from '../../search/search-words.ts'
import { includesSignature, signatureOf } from '../../search/word-signature.ts'
import { type Filters, isReadAscending, type ListQuery } from '../query/list-query.ts'
import {
  type CatalogueSample,
  compareToPosition,
  type SampledProduct,
  type SamplePosition,
  type TermOccurrences
} from './catalogue-sample.ts'

/** A sample of the catalogue as seen through a set of filters. */
export interface SampleView {
  sample: CatalogueSample
  /** Returns whether a product passes the filter by category. */
  isInCategories(product: SampledProduct): boolean
  /** Returns whether a product passes the filter by price. */
  isInPrices(product: SampledProduct): boolean
  /**
   * Returns whether a product passes what an index of a sort can test: prices and word signature. Its row must then be
   * fetched to test the words. The category, which is a prefix of the index, is not tested.
   */
  isCandidate(product: SampledProduct): boolean
  /** Returns whether a product passes all filters. */
  isMatch(product: SampledProduct): boolean
  /** The terms of the search, the rarest first; none without a search. */
  terms: readonly SampledTerm[]
}

/** A search term, and the products of a sample that have it. */
export interface SampledTerm extends TermOccurrences {
  term: SearchTerm
}

/** A sample of the catalogue as a list sees it: through its filters, from its start position, in reading order. */
export interface ListSampleView extends SampleView {
  /**
   * Returns a product of the sample that lies in the part of the index that a walk reads from the start position on. Prices and
   * words are tested on the way, so products that fail them are included, except for the prices in a list by price.
   * @param index 0 for the first one in reading order
   * @returns undefined beyond the last one
   */
  upcoming(index: number): SampledProduct | undefined
}

/** Applies filters to a sample. */
export function viewSample(sample: CatalogueSample, filters: Filters): SampleView {
  const { categories, search } = filters
  const minPrice = Number(filters.minPrice ?? Number.NEGATIVE_INFINITY)
  const maxPrice = Number(filters.maxPrice ?? Number.POSITIVE_INFINITY)
  const signature = search === null ? null : signatureOf(search)
  const terms = (search ?? [])
    .map((term): SampledTerm => ({ term, ...sample.occurrencesOf(term) }))
    .sort((a, b) => a.count - b.count)

  const isInCategories = ({ category }: SampledProduct) =>
    categories.length === 0 || (category !== null && categories.includes(category))
  const isInPrices = ({ priceValue }: SampledProduct) => priceValue >= minPrice && priceValue <= maxPrice
  const isCandidate = (product: SampledProduct) =>
    isInPrices(product) && (signature === null || includesSignature(product.signature, signature))
  const isMatch = (product: SampledProduct) =>
    isInPrices(product) && isInCategories(product) && terms.every(({ flags }) => flags[product.index] === 1)

  return { sample, isInCategories, isInPrices, isCandidate, isMatch, terms }
}

/**
 * Applies the filters, the sort and the start position of a list to a sample.
 * @param start the start position, from `samplePositionOf`; null for the start of the list
 */
export function viewListSample(
  sample: CatalogueSample,
  query: ListQuery,
  start: SamplePosition | null
): ListSampleView {
  const view = viewSample(sample, query)
  const { key } = query.sort
  const ascending = isReadAscending(query)
  const order = sample.sortedBy(key)
  const isAtOrAfterStart = (product: SampledProduct) => start !== null && compareToPosition(key, product, start) >= 0
  const startIndex = start === null ? (ascending ? 0 : order.length) : findFirst(order, isAtOrAfterStart)
  const isInIndexRange = (product: SampledProduct) =>
    view.isInCategories(product) && (key !== 'price' || view.isInPrices(product))

  // Filled as far as callers look, which for most lists is not far.
  const passed: SampledProduct[] = []
  let next = ascending ? startIndex : startIndex - 1
  function upcoming(index: number): SampledProduct | undefined {
    for (; passed.length <= index; next += ascending ? 1 : -1) {
      const product = order[next]
      if (product === undefined) return undefined
      if (isInIndexRange(product)) passed.push(product)
    }
    return passed[index]
  }
  return { ...view, upcoming }
}

/**
 * Converts the start position of a list to one in the order of a sample. Only the database knows the order of names, so a
 * list by name costs a statement that reads no table.
 * @returns null for the start of the list
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function samplePositionOf(
  database: Pick<Database, 'execute'>,
  { from, sort }: Pick<ListQuery, 'from' | 'sort'>
): Promise<SamplePosition | null> {
  if (from === null) return null
  const idText = from.id.toString('latin1')
  if (sort.key === 'price') return { value: Number(from.value), idText }
  if (sort.key !== 'name') return { value: from.value, idText }
  const [row] = await database.execute<{ weight: Buffer }>(NAME_WEIGHT, [from.value])
  return { value: row?.weight.toString('latin1') ?? '', idText }
}

const NAME_WEIGHT =
  'SELECT WEIGHT_STRING(CAST(? AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_unicode_520_ci) AS weight'

/** Returns the index of the first value that passes a test which all later ones pass too; the length if none does. */
function findFirst<T>(values: readonly T[], passes: (value: T) => boolean): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (passes(values[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}
