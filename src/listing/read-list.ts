import type { ProductRow } from '../products/product-row.ts'
import { fetchFew } from './fetch-few.ts'
import type { ListQuery } from './list-query.ts'
import type { ListReader } from './list-reader.ts'
import { fewStatement } from './list-statements.ts'
import { type ListPlan, planList } from './plan.ts'
import { type ListSurvey, placeOf, surveyList } from './survey.ts'
import { type Reading, walk, walkStraight } from './walk.ts'

/**
 * Reads up to so many rows of a list in the cheapest way, as far as a sample of the catalogue tells which one that is: by
 * walking the order of the sort and testing, or by fetching the few that match and sorting them. Where the sample was
 * wrong, one is given up for the other. Where both are too much, the reading stops on its way.
 */
export async function readList(reader: ListReader, query: ListQuery, need: number): Promise<Reading> {
  if (!isThinnedOut(query)) return await walkStraight(reader.database, query, need)
  const sample = await reader.sampler.current()
  const survey = surveyList(sample, query, await placeOf(reader.database, query))
  const plan = planList(survey, hasPriceFilter(query), query.sort.key === 'price', need)
  return await follow(reader, query, survey, plan, need)
}

/** Reads by a plan. */
export async function follow(
  reader: ListReader,
  query: ListQuery,
  survey: ListSurvey,
  { walk: walkPlan, few }: ListPlan,
  need: number
): Promise<Reading> {
  const { fewTimeoutMs, pageBudgetUs } = reader
  const isFewFirst = few !== null && few.costUs < walkPlan.costUs
  if (isFewFirst && few.costUs <= pageBudgetUs) {
    const stretch = { from: query.from, limit: need }
    const rows = await fetchFew<ProductRow>(reader, fewStatement(query, few.source, stretch, fewTimeoutMs))
    if (rows !== null) return { rows, stoppedAt: null }
  }
  const reading = await walk(reader.database, query, survey, walkPlan, need, pageBudgetUs)
  const { rows, stoppedAt } = reading
  if (stoppedAt !== null && walkPlan.costUs <= pageBudgetUs) reader.sampler.distrust()
  if (stoppedAt === null || isFewFirst || few === null || few.costUs > pageBudgetUs) return reading
  const stretch = { from: stoppedAt, limit: need - rows.length }
  const rest = await fetchFew<ProductRow>(reader, fewStatement(query, few.source, stretch, fewTimeoutMs))
  return rest === null ? reading : { rows: [...rows, ...rest], stoppedAt: null }
}

/** Whether there may be many rows to pass for each one that is listed. */
export function isThinnedOut(query: ListQuery): boolean {
  return query.search !== null || (hasPriceFilter(query) && query.sort.key !== 'price')
}

export function hasPriceFilter({ minPrice, maxPrice }: Pick<ListQuery, 'minPrice' | 'maxPrice'>): boolean {
  return minPrice !== null || maxPrice !== null
}
