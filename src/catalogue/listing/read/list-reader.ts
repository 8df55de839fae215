import type { Database } from '../../../platform/database/database.ts'
import { type CatalogueSampler, createCatalogueSampler } from '../plan/catalogue-sampler.ts'

/** Estimated cost that reading one page may have. */
const PAGE_BUDGET_US = 100_000
/** Several times the budget of a page, for servers that are slower than the cost model assumes. */
const SELECTIVE_TIMEOUT_MS = 300

/** What lists, totals and facets are read with. */
export interface ListReader {
  database: Pick<Database, 'execute'>
  sampler: CatalogueSampler
  /** After which the server gives up what was thought to be few. */
  selectiveTimeoutMs: number
  /** What one page may cost, by the measure of the planner, in microseconds. */
  pageBudgetUs: number
}

interface ListReaderOptions {
  /** A monotonic clock. */
  nowMs: () => number
  /** After which the database gives up any statement. */
  queryTimeoutMs: number
}

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
