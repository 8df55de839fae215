import type { Database } from '../../../platform/database/database.ts'
import { isStatementTimeout } from '../../../platform/database/database-error.ts'
import type { ProductRow } from '../../products/product-row.ts'
import { type CatalogueSampler, createCatalogueSampler } from '../plan/catalogue-sample.ts'
import { type ListPlan, planSelective, planWalk, type SelectivePlan, type WalkPlan } from '../plan/plan-list.ts'
import { samplePositionOf, viewListSample } from '../plan/sample-view.ts'
import type { Position } from '../query/cursor.ts'
import { hasPriceFilter, type ListQuery } from '../query/list-query.ts'
import { directStatement, type Statement, selectiveStatement } from './statements.ts'
import { type ListRows, type ListTask, walk } from './walk.ts'

/** What lists, totals and facets are read with. */
export interface ListReader {
  database: Pick<Database, 'execute'>
  sampler: CatalogueSampler
  /** The time after which the server gives up a selective fetch that finds too much. */
  selectiveTimeoutMs: number
  /** The cost that one page may have, in µs by the cost model. */
  pageBudgetUs: number
}

interface ListReaderOptions {
  /** A monotonic clock. */
  nowMs: () => number
  /** The time after which the database gives up any statement. */
  queryTimeoutMs: number
}

const PAGE_BUDGET_US = 100_000
/** Three times the budget of a page, for servers that are slower than the cost model assumes. */
const SELECTIVE_TIMEOUT_MS = 300
/** A walk that is estimated to cost no more is tried before anything else is planned, and given up at ten times that. */
const CHEAP_US = 500
const CHEAP_BUDGET_US = 5000
/** The share of the cost of a selective fetch that is worth spending on a walk that may, but probably will not, find all. */
const TRIAL_SHARE = 0.25
/** A selective fetch is given up at this multiple of its estimated cost, but not before `SHORT_TIMEOUT_MS`. */
const PATIENCE = 20
const SHORT_TIMEOUT_MS = 100

/** Creates a reader with the budgets of the service, and a sample of the catalogue of its own. */
export function createListReader(
  database: Pick<Database, 'execute'>,
  { nowMs, queryTimeoutMs }: ListReaderOptions
): ListReader {
  return {
    database,
    sampler: createCatalogueSampler(database, nowMs),
    selectiveTimeoutMs: Math.min(SELECTIVE_TIMEOUT_MS, queryTimeoutMs),
    pageBudgetUs: PAGE_BUDGET_US
  }
}

/**
 * Reads rows of a list in the cheapest way.
 *
 * 1. A list whose filters are a range of the index of its sort needs no plan: it is read from there.
 * 2. Otherwise the costs of a walk and of a selective fetch are estimated from a sample of the catalogue
 *    (`plan/plan-list.ts`). A walk that is estimated to be cheap is tried at once.
 * 3. The better plan runs within bounds, so that the other one can take over where the sample was wrong (`runPlan`).
 * 4. Where both cost more than a page may, the walk stops on its way. The rows are then fewer than needed, even none, and
 *    `stoppedAt` leads on: this is why a page can be short.
 *
 * @param needed the number of rows to read; fewer at the end of the list
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function readList(reader: ListReader, query: ListQuery, needed: number): Promise<ListRows> {
  const { database, sampler } = reader
  if (!needsPlan(query)) return await readDirectly(database, query, needed)
  const sample = await sampler.current()
  const view = viewListSample(sample, query, await samplePositionOf(database, query))
  const task = { query, view, needed }
  const walkPlan = planWalk(view, needed)
  if (walkPlan.costUs <= CHEAP_US) {
    const result = await walk(database, task, walkPlan, CHEAP_BUDGET_US)
    if (result.stoppedAt === null) return result
    sampler.distrust()
  }
  return await runPlan(reader, task, { walk: walkPlan, selective: planSelective(view, query) })
}

/**
 * Runs a plan within its bounds: walks, up to about the estimated cost of the selective fetch, if the walk may be cheaper;
 * then fetches, until the server gives up; then walks with the whole budget of a page. What was estimated wrongly makes the
 * sampler draw a new sample.
 * @throws {AppError} 503 when the database does not answer in time
 * @internal exported for tests
 */
export async function runPlan(reader: ListReader, task: ListTask, plan: ListPlan): Promise<ListRows> {
  const { database, sampler, selectiveTimeoutMs, pageBudgetUs } = reader
  const { query, needed } = task
  const selective = plan.selective !== null && plan.selective.costUs <= pageBudgetUs ? plan.selective : null
  if (selective !== null) {
    let [rows, from]: [ProductRow[], Position | null] = [[], query.from]
    const trialUs = trialBudgetUs(plan.walk, selective)
    if (trialUs > 0) {
      const trial = await walk(database, task, plan.walk, trialUs)
      if (trial.stoppedAt === null) return trial
      ;[rows, from] = [trial.rows, trial.stoppedAt]
    }
    const timeoutMs = timeoutOf(selective, selectiveTimeoutMs)
    const rest = { from, limit: needed - rows.length, timeoutMs }
    const fetched = await fetchSelective<ProductRow>(reader, selectiveStatement(query, selective.source, rest))
    if (fetched !== null) return { rows: [...rows, ...fetched], stoppedAt: null }
  }
  const result = await walk(database, task, plan.walk, pageBudgetUs)
  if (result.stoppedAt !== null && plan.walk.costUs <= pageBudgetUs) sampler.distrust()
  return result
}

/**
 * Runs a statement that was planned as a selective fetch, of rows or of counts.
 * @returns null when the server has given up, because there is more to find than the sample shows
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function fetchSelective<Row>(
  { database, sampler }: Pick<ListReader, 'database' | 'sampler'>,
  { sql, params }: Statement
): Promise<Row[] | null> {
  try {
    return await database.execute<Row>(sql, params)
  } catch (error) {
    if (!isStatementTimeout(error)) throw error
    sampler.distrust()
    return null
  }
}

/**
 * Returns the time after which the server gives up a selective fetch: a short one where the fetch is estimated to be quick,
 * else the longest one. There are only these two, because each makes a prepared statement of its own.
 * @param maxTimeoutMs the longest time
 */
export function timeoutOf({ costUs }: SelectivePlan, maxTimeoutMs: number): number {
  return costUs * PATIENCE <= SHORT_TIMEOUT_MS * 1000 ? Math.min(SHORT_TIMEOUT_MS, maxTimeoutMs) : maxTimeoutMs
}

async function readDirectly(database: ListReader['database'], query: ListQuery, needed: number): Promise<ListRows> {
  const { sql, params } = directStatement(query, needed)
  return { rows: await database.execute<ProductRow>(sql, params), stoppedAt: null }
}

/** How much to spend on a walk before the selective fetch; 0 when the fetch comes first. */
function trialBudgetUs(walkPlan: WalkPlan, selective: SelectivePlan): number {
  if (walkPlan.costUs <= selective.costUs) return selective.costUs
  return walkPlan.optimisticUs < selective.costUs ? selective.costUs * TRIAL_SHARE : 0
}

/** Whether filters leave out entries of the index of the sort, possibly many for each one that matches. */
function needsPlan(query: ListQuery): boolean {
  return query.search !== null || (hasPriceFilter(query) && query.sort.key !== 'price')
}
