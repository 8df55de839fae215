import type { SampledProduct } from '../plan/catalogue-sample.ts'
import { COST_US, planWords, type SelectivePlan } from '../plan/plan.ts'
import { type FilterSurvey, surveyFilters } from '../plan/survey.ts'
import type { Filters } from '../query/filters.ts'
import type { Position } from '../query/sort.ts'
import { countSelectiveStatement, countStatement } from './count-statements.ts'
import type { ListReader } from './list-reader.ts'
import { fetchSelective, timeoutOf } from './selective-fetch.ts'

/** How many products pass some filters. */
export interface Total {
  total: number
  /** Else there are at least as many, or about as many. */
  isExact: boolean
}

/** What counting may cost, by the measure of the planner: a million entries of an index, or sixty thousand rows. */
const EXACT_BUDGET_US = 250_000
/** As much as a page costs. */
const ESTIMATE_BUDGET_US = 1500
const STEP_US = 20_000

/** Counts, up to a ceiling of cost; beyond it the total is what was counted by then. */
export async function countProducts(reader: ListReader, filters: Filters): Promise<Total> {
  const survey = surveyFilters(await reader.sampler.current(), filters)
  return await count(reader, filters, waysToCount(survey), EXACT_BUDGET_US)
}

/** Tells from the sample of the catalogue about how many there are; where it costs no more than a page, it counts them. */
export async function estimateTotal(reader: ListReader, filters: Filters): Promise<Total> {
  const survey = surveyFilters(await reader.sampler.current(), filters)
  const { sample, isMatch } = survey
  const total = Math.round(sample.products.filter(isMatch).length * sample.weight)
  const ways = waysToCount(survey)
  if (Math.min(ways.scan.costUs, ways.few?.costUs ?? ways.scan.costUs) > ESTIMATE_BUDGET_US)
    return { total, isExact: false }
  const counted = await count(reader, filters, ways, ESTIMATE_BUDGET_US)
  return counted.isExact ? counted : { total: Math.max(total, counted.total), isExact: false }
}

interface WaysToCount {
  scan: Scan
  few: SelectivePlan | null
}

function waysToCount(survey: FilterSurvey): WaysToCount {
  return { scan: scanOf(survey), few: planWords(survey) }
}

async function count(
  reader: ListReader,
  filters: Filters,
  { scan, few }: WaysToCount,
  budgetUs: number
): Promise<Total> {
  if (few !== null && few.costUs < Math.min(budgetUs, scan.costUs)) {
    const timeoutMs = timeoutOf(few, reader.selectiveTimeoutMs)
    const counted = await fetchSelective<Count>(reader, countSelectiveStatement(filters, few.source, timeoutMs))
    if (counted !== null) return { total: totalOf(counted), isExact: true }
  }
  return await countInSteps(reader, filters, scan, budgetUs)
}

interface Count {
  count: number
}

/** All that the filters by category and price leave, in the order of prices. */
interface Scan {
  /** Of the sample. */
  products: readonly SampledProduct[]
  /** What it costs to count those that one of them stands for, and all of them. */
  productUs: number
  costUs: number
}

function scanOf({ sample, terms, isInCategories, isInPrices, isCandidate }: FilterSurvey): Scan {
  const products = sample.inOrder('price').filter((product) => isInCategories(product) && isInPrices(product))
  const fetched = terms.length === 0 ? 0 : products.filter(isCandidate).length / Math.max(1, products.length)
  const productUs = sample.weight * (COST_US.entry + fetched * COST_US.orderedRow)
  return { products, productUs, costUs: Math.max(1, products.length) * productUs }
}

/** Each step ends at a product of the sample, and costs about the same. */
async function countInSteps(
  { database }: ListReader,
  filters: Filters,
  { products, productUs }: Scan,
  budgetUs: number
): Promise<Total> {
  const step = Math.max(1, Math.floor(STEP_US / productUs))
  let total = 0
  let from: Position | null = null
  for (let end = step; ; end += step) {
    const last = products[end - 1]
    const until: Position | null =
      last === undefined ? null : { value: last.price, id: last.id, inclusive: false, backward: false }
    const { sql, params } = countStatement(filters, from, until)
    total += totalOf(await database.execute<Count>(sql, params))
    if (until === null) return { total, isExact: true }
    if (end * productUs >= budgetUs) return { total, isExact: false }
    from = until
  }
}

function totalOf(counts: readonly Count[]): number {
  return Number(counts[0]?.count ?? 0)
}
