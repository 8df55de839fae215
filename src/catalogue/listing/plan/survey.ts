import type { Database } from '../../../platform/database/database.ts'
import type { SearchTerm } from '../../search/search-words.ts'
import { includesSignature, signatureOf } from '../../search/word-signature.ts'
import type { Filters } from '../query/filters.ts'
import type { ListQuery } from '../query/list-query.ts'
import { isReadAscending } from '../query/sort.ts'
import {
  type CatalogueSample,
  compareToPlace,
  type SampledProduct,
  type SamplePlace,
  type TermOccurrence
} from './catalogue-sample.ts'

/** What the products of a sample are to a set of filters. */
export interface FilterSurvey {
  sample: CatalogueSample
  isInCategories(product: SampledProduct): boolean
  isInPrices(product: SampledProduct): boolean
  /** As far as an index of a sort can tell by prices and signature. It is not asked about the category. */
  isCandidate(product: SampledProduct): boolean
  /** It passes all filters. */
  isMatch(product: SampledProduct): boolean
  /** The terms of the search, the rarest first. */
  terms: readonly SurveyedTerm[]
}

export interface SurveyedTerm extends TermOccurrence {
  term: SearchTerm
}

/** The same of a list. */
export interface ListSurvey extends FilterSurvey {
  /**
   * The products of the sample that a walk passes, by number from 0: from where it begins, in the direction of reading.
   * Undefined behind the last one.
   */
  ahead(rank: number): SampledProduct | undefined
}

export function surveyFilters(sample: CatalogueSample, filters: Filters): FilterSurvey {
  const { categories, search } = filters
  const minPrice = Number(filters.minPrice ?? Number.NEGATIVE_INFINITY)
  const maxPrice = Number(filters.maxPrice ?? Number.POSITIVE_INFINITY)
  const signature = search === null ? null : signatureOf(search)
  const terms = surveyTerms(sample, search ?? [])

  const isInCategories = ({ category }: SampledProduct) =>
    categories.length === 0 || (category !== null && categories.includes(category))
  const isInPrices = ({ priceValue }: SampledProduct) => priceValue >= minPrice && priceValue <= maxPrice
  const isCandidate = (product: SampledProduct) =>
    isInPrices(product) && (signature === null || includesSignature(product.signature, signature))
  const isMatch = (product: SampledProduct) =>
    isInPrices(product) && isInCategories(product) && terms.every(({ flags }) => flags[product.index] === 1)

  return { sample, isInCategories, isInPrices, isCandidate, isMatch, terms }
}

/** @param place where the list is read from; null is its start */
export function surveyList(sample: CatalogueSample, query: ListQuery, place: SamplePlace | null): ListSurvey {
  const survey = surveyFilters(sample, query)
  const { key } = query.sort
  const ascending = isReadAscending(query.sort, query.from?.backward === true)
  const order = sample.inOrder(key)
  const isBeyond = (product: SampledProduct) => place !== null && compareToPlace(key, product, place) >= 0
  const start = place === null ? (ascending ? 0 : order.length) : countUntil(order, isBeyond)
  const isPassed = (product: SampledProduct) =>
    survey.isInCategories(product) && (key !== 'price' || survey.isInPrices(product))

  // Of most lists only the beginning is looked at.
  const passed: SampledProduct[] = []
  let next = ascending ? start : start - 1
  function ahead(rank: number): SampledProduct | undefined {
    for (; passed.length <= rank; next += ascending ? 1 : -1) {
      const product = order[next]
      if (product === undefined) return undefined
      if (isPassed(product)) passed.push(product)
    }
    return passed[rank]
  }
  return { ...survey, ahead }
}

/** Where a list is read from, on the scale of the sample; null is its start. The order of names is for the database to say. */
export async function placeOf(
  database: Pick<Database, 'execute'>,
  { from, sort }: Pick<ListQuery, 'from' | 'sort'>
): Promise<SamplePlace | null> {
  if (from === null) return null
  const idText = from.id.toString('latin1')
  if (sort.key === 'price') return { value: Number(from.value), idText }
  if (sort.key !== 'name') return { value: from.value, idText }
  const [row] = await database.execute<{ weight: Buffer }>(NAME_WEIGHT, [from.value])
  return { value: row?.weight.toString('latin1') ?? '', idText }
}

const NAME_WEIGHT =
  'SELECT WEIGHT_STRING(CAST(? AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_unicode_520_ci) AS weight'

function surveyTerms(sample: CatalogueSample, terms: readonly SearchTerm[]): SurveyedTerm[] {
  return terms.map((term) => ({ term, ...sample.having(term) })).sort((a, b) => a.count - b.count)
}

/** How many come before the first one that is so; all that follow it are. */
function countUntil<T>(values: readonly T[], isSo: (value: T) => boolean): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isSo(values[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}
