import type { Database } from '../../../platform/database/database.ts'
import type { CatalogueSampler } from '../plan/catalogue-sampler.ts'

/** What one page may cost, by the measure of the planner. */
export const PAGE_BUDGET_US = 100_000
/** Several times that, for servers that are slower than the planner takes them for. */
export const SELECTIVE_TIMEOUT_MS = 300

/** What lists, totals and facets are read with. */
export interface ListReader {
  database: Pick<Database, 'execute'>
  sampler: CatalogueSampler
  /** After which the server gives up what was thought to be few. */
  fewTimeoutMs: number
  /** What one page may cost, by the measure of the planner, in microseconds. */
  pageBudgetUs: number
}
