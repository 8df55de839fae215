import type { ProductRow } from '../../products/product-row.ts'
import { type ListPlan, planSelective, planWalk, type SelectivePlan, type WalkPlan } from '../plan/plan.ts'
import { type ListSurvey, placeOf, surveyList } from '../plan/survey.ts'
import { hasPriceFilter } from '../query/filters.ts'
import type { ListQuery } from '../query/list-query.ts'
import type { Position } from '../query/sort.ts'
import type { ListReader } from './list-reader.ts'
import { selectiveStatement, straightStatement } from './list-statements.ts'
import { fetchSelective, timeoutOf } from './selective-fetch.ts'
import { type Reading, walk } from './walk.ts'

/** A walk that is thought to cost no more is tried before anything else is planned, and given up when it costs much more. */
const CHEAP_US = 500
const CHEAP_BUDGET_US = 5000
/** Of what it costs to fetch the few: worth spending on a walk that may find all at once, though the sample has found none. */
const TRIAL_SHARE = 0.25

/**
 * Reads up to so many rows of a list in the cheapest way, as far as a sample of the catalogue tells which one that is: by
 * walking the order of the sort and testing, or by fetching the few that match and sorting them. Where the sample was
 * wrong, one is given up for the other. Where both are too much, the reading stops on its way.
 */
export async function readList(reader: ListReader, query: ListQuery, need: number): Promise<Reading> {
  if (!isThinnedOut(query)) return await readStraight(reader, query, need)
  const sample = await reader.sampler.current()
  const survey = surveyList(sample, query, await placeOf(reader.database, query))
  const walkPlan = planWalk(survey, need)
  if (walkPlan.costUs <= CHEAP_US) {
    const reading = await walk(reader.database, query, survey, walkPlan, need, CHEAP_BUDGET_US)
    if (reading.stoppedAt === null) return reading
    reader.sampler.distrust()
  }
  return await follow(reader, query, survey, { walk: walkPlan, few: planSelective(survey, query) }, need)
}

/**
 * Reads by a plan. A walk may cost about what it is thought to cost to fetch the few, before they are fetched instead; what
 * is not few after all is given up by the server after some time; then the walk has all of its budget.
 */
export async function follow(
  reader: ListReader,
  query: ListQuery,
  survey: ListSurvey,
  plan: ListPlan,
  need: number
): Promise<Reading> {
  const { database, sampler, selectiveTimeoutMs, pageBudgetUs } = reader
  const few = plan.few !== null && plan.few.costUs <= pageBudgetUs ? plan.few : null
  if (few !== null) {
    let [rows, from]: [ProductRow[], Position | null] = [[], query.from]
    const trialUs = trialBudget(plan.walk, few)
    if (trialUs > 0) {
      const trial = await walk(database, query, survey, plan.walk, need, trialUs)
      if (trial.stoppedAt === null) return trial
      ;[rows, from] = [trial.rows, trial.stoppedAt]
    }
    const stretch = { from, limit: need - rows.length }
    const statement = selectiveStatement(query, few.source, stretch, timeoutOf(few, selectiveTimeoutMs))
    const rest = await fetchSelective<ProductRow>(reader, statement)
    if (rest !== null) return { rows: [...rows, ...rest], stoppedAt: null }
  }
  const reading = await walk(database, query, survey, plan.walk, need, pageBudgetUs)
  if (reading.stoppedAt !== null && plan.walk.costUs <= pageBudgetUs) sampler.distrust()
  return reading
}

async function readStraight({ database }: ListReader, query: ListQuery, need: number): Promise<Reading> {
  const { sql, params } = straightStatement(query, need)
  return { rows: await database.execute<ProductRow>(sql, params), stoppedAt: null }
}

/** How far to walk before the few are fetched instead. */
function trialBudget(walkPlan: WalkPlan, few: SelectivePlan): number {
  if (walkPlan.costUs <= few.costUs) return few.costUs
  return walkPlan.hopedUs < few.costUs ? few.costUs * TRIAL_SHARE : 0
}

/** Whether there may be many rows to pass for each one that is listed. */
function isThinnedOut(query: ListQuery): boolean {
  return query.search !== null || (hasPriceFilter(query) && query.sort.key !== 'price')
}
