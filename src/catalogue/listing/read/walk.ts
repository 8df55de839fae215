import type { Database } from '../../../platform/database/database.ts'
import type { ProductRow } from '../../products/product-row.ts'
import type { SampledProduct } from '../plan/catalogue-sample.ts'
import type { WalkPlan } from '../plan/plan.ts'
import type { ListSurvey } from '../plan/survey.ts'
import type { ListQuery } from '../query/list-query.ts'
import { fromStored, type Position } from '../query/sort.ts'
import { type Statement, type WalkedRow, walkStatement } from './list-statements.ts'
import { createWalkPace } from './walk-pace.ts'

/** What was read of a list, in the direction of reading. */
export interface Reading {
  rows: ProductRow[]
  /** Where the work was given up; null where it was done, or has come to the end of the list. */
  stoppedAt: Position | null
}

/**
 * Walks a list in steps, until it has as many rows as are needed, is at the end, or has done more work than it may.
 * Each step ends at a product of the sample, so that the server never looks at many more entries than are meant,
 * however few of them match.
 */
export async function walk(
  database: Pick<Database, 'execute'>,
  query: ListQuery,
  { sample, ahead, terms }: ListSurvey,
  plan: WalkPlan,
  need: number,
  budgetUs: number
): Promise<Reading> {
  const pace = createWalkPace({ plan, need, testsWords: terms.length > 0, budgetUs })
  const backward = query.from?.backward === true
  const rows: ProductRow[] = []
  const met = new Set<string>()
  let { from } = query
  /** Products of the sample that are behind the walk, and at the end of the step. */
  let passed = 0
  let end = 0
  for (;;) {
    const { entries, candidates } = pace.next(need - rows.length)
    // A step that was not done to its end has taken the walk further than a smaller one may end.
    end = Math.max(end, passed + Math.max(1, Math.round(entries / sample.weight)))
    const bound = ahead(end - 1)
    const until = bound === undefined ? null : placeAt(query, bound, backward)
    const found = await step(database, walkStatement(query, { from, until, limit: candidates }))
    for (const row of found) {
      // Each step sees another moment: a product that changes its place may be met again.
      if (!isWhole(row) || met.has(row.id.toString('latin1'))) continue
      met.add(row.id.toString('latin1'))
      rows.push(row)
    }
    if (rows.length >= need) return { rows: rows.slice(0, need), stoppedAt: null }

    const isFull = found.length === candidates
    const last = found.at(-1)
    if (isFull && last !== undefined) from = positionOf(query, last, backward)
    else if (until === null) return { rows, stoppedAt: null }
    else [from, passed] = [until, end]
    const progress = { matches: rows.length, passedEntries: passed * sample.weight }
    if (!pace.goesOn({ candidates: found.length, isFull, ...progress })) return { rows, stoppedAt: from }
  }
}

function step(database: Pick<Database, 'execute'>, { sql, params }: Statement): Promise<WalkedRow[]> {
  return database.execute<WalkedRow>(sql, params)
}

function isWhole(row: WalkedRow): row is WalkedRow & ProductRow {
  return row.id !== null
}

function placeAt({ sort }: ListQuery, product: SampledProduct, backward: boolean): Position {
  return { value: product[sort.key], id: product.id, inclusive: false, backward }
}

function positionOf({ sort }: ListQuery, { key_value, key_id }: WalkedRow, backward: boolean): Position {
  return { value: fromStored(sort.key, key_value), id: key_id, inclusive: false, backward }
}
