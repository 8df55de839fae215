import { limitedSelect } from '../../../platform/database/connection-options.ts'
import type { SampledProduct } from '../plan/catalogue-sample.ts'
import { COST_US, planFullText, type SelectivePlan, type SelectiveSource } from '../plan/plan-list.ts'
import { type SampleView, viewSample } from '../plan/sample-view.ts'
import type { Position } from '../query/cursor.ts'
import type { Filters, Sort } from '../query/list-query.ts'
import { fetchSelective, type ListReader, timeoutOf } from './read-list.ts'
import {
  and,
  fromProducts,
  type KeyRange,
  rangeConditions,
  type Statement,
  selectiveConditions,
  selectiveIndex,
  sortIndex
} from './statements.ts'

/** The number of products that pass some filters. */
export interface Total {
  total: number
  /** Whether they were counted. If not, the total is a lower bound (`countProducts`) or an estimate (`estimateTotal`). */
  isExact: boolean
}

/** The cost at which an exact count stops, in µs by the cost model: a million entries of an index, or 60,000 rows. */
const EXACT_BUDGET_US = 250_000
/** The cost up to which an estimate counts: about that of a page. */
const ESTIMATE_BUDGET_US = 1500
/** The cost of one statement of a count in steps. */
const STEP_US = 20_000

/**
 * Counts the products that pass the filters, up to a quarter of a second of work. Beyond that the total is the number
 * counted so far, which is a lower bound.
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function countProducts(reader: ListReader, filters: Filters): Promise<Total> {
  const view = viewSample(await reader.sampler.current(), filters)
  return await count(reader, filters, planCount(view), EXACT_BUDGET_US)
}

/**
 * Estimates the number of products that pass the filters from the sample of the catalogue. Where counting costs no more
 * than reading a page they are counted instead.
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function estimateTotal(reader: ListReader, filters: Filters): Promise<Total> {
  const view = viewSample(await reader.sampler.current(), filters)
  const { sample, isMatch } = view
  const total = Math.round(sample.products.filter(isMatch).length * sample.weight)
  const plan = planCount(view)
  if (Math.min(plan.scan.costUs, plan.selective?.costUs ?? plan.scan.costUs) > ESTIMATE_BUDGET_US)
    return { total, isExact: false }
  const counted = await count(reader, filters, plan, ESTIMATE_BUDGET_US)
  return counted.isExact ? counted : { total: Math.max(total, counted.total), isExact: false }
}

/** The two ways to count: in the index of prices, step by step, or by FULLTEXT. */
interface CountPlan {
  scan: PriceScan
  selective: SelectivePlan | null
}

/** A scan of the index of prices, over all products that pass the filters by category and price. */
interface PriceScan {
  /** Those products of the sample, in the order of prices. */
  products: readonly SampledProduct[]
  /** The cost of counting as many products as one of the sample stands for, in µs. */
  costPerProductUs: number
  /** The cost of the whole scan, in µs. */
  costUs: number
}

function planCount(view: SampleView): CountPlan {
  return { scan: planPriceScan(view), selective: planFullText(view) }
}

function planPriceScan({ sample, terms, isInCategories, isInPrices, isCandidate }: SampleView): PriceScan {
  const products = sample.sortedBy('price').filter((product) => isInCategories(product) && isInPrices(product))
  const fetchedShare = terms.length === 0 ? 0 : products.filter(isCandidate).length / Math.max(1, products.length)
  const costPerProductUs = sample.weight * (COST_US.entry + fetchedShare * COST_US.orderedRow)
  return { products, costPerProductUs, costUs: Math.max(1, products.length) * costPerProductUs }
}

async function count(
  reader: ListReader,
  filters: Filters,
  { scan, selective }: CountPlan,
  budgetUs: number
): Promise<Total> {
  if (selective !== null && selective.costUs < Math.min(budgetUs, scan.costUs)) {
    const timeoutMs = timeoutOf(selective, reader.selectiveTimeoutMs)
    const counted = await fetchSelective<Count>(reader, countSelectiveStatement(filters, selective.source, timeoutMs))
    if (counted !== null) return { total: totalOf(counted), isExact: true }
  }
  return await countInSteps(reader, filters, scan, budgetUs)
}

interface Count {
  count: number
}

/** Each step ends at a product of the sample, so that all steps cost about the same. */
async function countInSteps(
  { database }: ListReader,
  filters: Filters,
  { products, costPerProductUs }: PriceScan,
  budgetUs: number
): Promise<Total> {
  const step = Math.max(1, Math.floor(STEP_US / costPerProductUs))
  let total = 0
  let from: Position | null = null
  for (let end = step; ; end += step) {
    const last = products[end - 1]
    const until: Position | null =
      last === undefined ? null : { value: last.price, id: last.id, inclusive: false, backward: false }
    const { sql, params } = countStatement(filters, { from, until })
    total += totalOf(await database.execute<Count>(sql, params))
    if (until === null) return { total, isExact: true }
    if (end * costPerProductUs >= budgetUs) return { total, isExact: false }
    from = until
  }
}

function totalOf(counts: readonly Count[]): number {
  return Number(counts[0]?.count ?? 0)
}

const BY_PRICE: Sort = { key: 'price', order: 'asc' }

/** Counts a range of prices. Ascending, because on its way forward every engine tests conditions inside the index. */
function countStatement(filters: Filters, range: KeyRange): Statement {
  const where = and(selectiveConditions(filters, 'prices'), rangeConditions({ sort: BY_PRICE, from: null }, range))
  return { sql: `SELECT COUNT(*) AS count ${fromProducts(where, sortIndex(filters, 'price'))}`, params: where.params }
}

function countSelectiveStatement(filters: Filters, source: SelectiveSource, timeoutMs: number): Statement {
  const where = selectiveConditions(filters, source)
  const sql = `COUNT(*) AS count ${fromProducts(where, selectiveIndex(filters, source))}`
  return { sql: limitedSelect(sql, timeoutMs), params: where.params }
}
