import type { Facets, PriceFacet } from '../../../../schemas/facets.ts'
import { limitedSelect } from '../../../platform/database/connection-options.ts'
import { COST_US, planFullText, planPriceRange, type SelectiveSource } from '../plan/plan-list.ts'
import { type SampleView, viewSample } from '../plan/sample-view.ts'
import { type Filters, hasPriceFilter } from '../query/list-query.ts'
import { fetchSelective, type ListReader } from './read-list.ts'
import { fromProducts, type Statement, selectiveConditions, selectiveIndex } from './statements.ts'

/** The number of products that one category has in one price band. */
interface Cell {
  category: string | null
  band: number
  count: number
}

/** The cost that exact facets may have, in µs by the cost model. */
const BUDGET_US = 100_000
/** The cost of adding an entry to its group, in µs. */
const GROUPING_US = 0.3
/** The most categories that a response lists. */
const MAX_CATEGORIES = 1000
/** The most cells that are read. A catalogue with more has too many categories to choose from. */
const MAX_CELLS = 20_000

/** The lower bound of each price band but the first one, ascending: 1, 2, 5, 10, 20, 50 and so on. */
export const PRICE_BAND_STARTS: readonly string[] = Array.from({ length: 8 }, (_, power) => 10 ** power).flatMap(
  (unit) => [1, 2, 5].map((step) => String(step * unit))
)
const bandStarts = PRICE_BAND_STARTS.map(Number)
const HIGHEST_CENTS = 9_999_999_999

/**
 * Counts the products that pass the filters, by category and by price band. Categories are counted without the filter by
 * category, so that they show what another choice would give. Where counting costs too much, the counts are estimates from
 * the sample of the catalogue.
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function readFacets(reader: ListReader, filters: Filters): Promise<Facets> {
  const anyCategory = { ...filters, categories: [] }
  const view = viewSample(await reader.sampler.current(), anyCategory)
  const { source, costUs } = planFacets(view, filters)
  const statement = facetStatement(anyCategory, source, reader.selectiveTimeoutMs)
  const counted = costUs > BUDGET_US ? null : await fetchSelective<Cell>(reader, statement)
  const isExact = counted !== null && counted.length < MAX_CELLS
  return toFacets(isExact ? counted : estimateCells(view), filters, isExact)
}

/**
 * Returns the band of a price: the number of bands that begin at or below it, as `INTERVAL` in SQL.
 * @internal exported for tests
 */
export function priceBandOf(price: number): number {
  const next = bandStarts.findIndex((start) => price < start)
  return next === -1 ? bandStarts.length : next
}

/**
 * Converts counts by price band to price ranges to filter by, ascending, cut to the prices of the filters.
 * @param countByBand the bands that have products
 */
export function toPriceRanges(countByBand: ReadonlyMap<number, number>, { minPrice, maxPrice }: Filters): PriceFacet[] {
  return [...countByBand]
    .sort(([a], [b]) => a - b)
    .map(([band, count]) => {
      const next = bandStarts[band]
      const [from, to] = [(bandStarts[band - 1] ?? 0) * 100, next === undefined ? HIGHEST_CENTS : next * 100 - 1]
      return {
        from: toPrice(Math.max(from, toCents(minPrice) ?? from)),
        to: toPrice(Math.min(to, toCents(maxPrice) ?? to)),
        count: Math.round(count)
      }
    })
}

/** Returns the cheapest way to count. A source of null is the whole index of the categories. */
function planFacets(view: SampleView, filters: Filters): { source: SelectiveSource | null; costUs: number } {
  const { sample, terms, isCandidate } = view
  const fetched = terms.length === 0 ? 0 : sample.products.filter(isCandidate).length
  const wholeUs = sample.products.length * (COST_US.entry + GROUPING_US) + fetched * COST_US.row
  const plans = [
    { source: null, costUs: wholeUs * sample.weight },
    planFullText(view),
    hasPriceFilter(filters) ? planPriceRange(view) : null
  ].filter((plan) => plan !== null)
  return plans.reduce((best, plan) => (plan.costUs < best.costUs ? plan : best))
}

function facetStatement(filters: Filters, source: SelectiveSource | null, timeoutMs: number): Statement {
  const where = selectiveConditions(filters, source ?? 'prices')
  const index = source === null ? 'products_category_price' : selectiveIndex(filters, source)
  const band = `INTERVAL(price, ${PRICE_BAND_STARTS.join(', ')})`
  const sql = `category, ${band} AS band, COUNT(*) AS count ${fromProducts(where, index)} GROUP BY category, band LIMIT ${MAX_CELLS}`
  return { sql: limitedSelect(sql, timeoutMs), params: where.params }
}

function estimateCells({ sample, isMatch }: SampleView): Cell[] {
  return sample.products
    .filter(isMatch)
    .map(({ category, priceValue }) => ({ category, band: priceBandOf(priceValue), count: sample.weight }))
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

function toCents(price: string | null): number | null {
  return price === null ? null : Math.round(Number(price) * 100)
}

function toPrice(cents: number): string {
  return (cents / 100).toFixed(2)
}
