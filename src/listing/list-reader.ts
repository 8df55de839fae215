import type { Database } from '../database/database.ts'
import type { CatalogueSampler } from './catalogue-sampler.ts'

/** What lists, totals and facets are read with. */
export interface ListReader {
  database: Pick<Database, 'execute'>
  sampler: CatalogueSampler
  /** After which the server gives up what was thought to be few. */
  fewTimeoutMs: number
  /** What one page may cost, by the measure of the planner, in microseconds. */
  pageBudgetUs: number
}
