import type { Facets } from '../../../../schemas/facets.ts'
import { COST_US, planPrices, planWords } from '../plan/plan.ts'
import { type FilterSurvey, surveyFilters } from '../plan/survey.ts'
import { type Filters, hasPriceFilter } from '../query/filters.ts'
import type { SelectiveSource } from './conditions.ts'
import { facetStatement } from './count-statements.ts'
import type { ListReader } from './list-reader.ts'
import { BANDS, bandOf, toPriceRanges } from './price-bands.ts'
import { fetchSelective } from './selective-fetch.ts'

/** How many products of a category are in a price band. */
interface Cell {
  category: string | null
  band: number
  count: number
}

/** What exact facets may cost, by the measure of the planner. */
const BUDGET_US = 100_000
/** To find the group of an entry. */
const GROUPING_US = 0.3
const MAX_CATEGORIES = 1000
/** Of which no catalogue has so many that it would be of use. */
const MAX_CELLS = 20_000

/**
 * Counts the products that pass the filters, by category and by price band. The categories are counted without the filter
 * by category, so that they tell what another choice would bring. Where counting costs too much, the sample of the
 * catalogue tells.
 */
export async function readFacets(reader: ListReader, filters: Filters): Promise<Facets> {
  const others = { ...filters, categories: [] }
  const survey = surveyFilters(await reader.sampler.current(), others)
  const { source, costUs } = cheapest(survey, filters)
  const statement = facetStatement(others, source, BANDS, MAX_CELLS, reader.selectiveTimeoutMs)
  const counted = costUs > BUDGET_US ? null : await fetchSelective<Cell>(reader, statement)
  const isExact = counted !== null && counted.length < MAX_CELLS
  return toFacets(isExact ? counted : estimateCells(survey), filters, isExact)
}

/** Without a source: all entries of the index of the categories. */
function cheapest(survey: FilterSurvey, filters: Filters): { source: SelectiveSource | null; costUs: number } {
  const { sample, terms, isCandidate } = survey
  const fetched = terms.length === 0 ? 0 : sample.products.filter(isCandidate).length
  const all = sample.products.length * (COST_US.entry + GROUPING_US) + fetched * COST_US.row
  const ways = [
    { source: null, costUs: all * sample.weight },
    planWords(survey),
    hasPriceFilter(filters) ? planPrices(survey) : null
  ].filter((way) => way !== null)
  return ways.reduce((best, way) => (way.costUs < best.costUs ? way : best))
}

function estimateCells({ sample, isMatch }: FilterSurvey): Cell[] {
  return sample.products
    .filter(isMatch)
    .map(({ category, priceValue }) => ({ category, band: bandOf(priceValue), count: sample.weight }))
}

function toFacets(cells: readonly Cell[], filters: Filters, isExact: boolean): Facets {
  const byCategory = new Map<string, number>()
  const byBand = new Map<number, number>()
  for (const { category, band, count } of cells) {
    if (category !== null) byCategory.set(category, (byCategory.get(category) ?? 0) + Number(count))
    const isChosen = filters.categories.length === 0 || (category !== null && filters.categories.includes(category))
    if (isChosen) byBand.set(Number(band), (byBand.get(Number(band)) ?? 0) + Number(count))
  }
  const categories = [...byCategory]
    .map(([value, count]) => ({ value, count: Math.round(count) }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
  return { data: { categories: categories.slice(0, MAX_CATEGORIES), prices: toPriceRanges(byBand, filters) }, isExact }
}
