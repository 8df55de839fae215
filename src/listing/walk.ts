import type { Database } from '../database/database.ts'
import { datetimeToTimestamp } from '../database/datetime.ts'
import type { ProductRow } from '../products/product-row.ts'
import type { SampledProduct } from './catalogue-sample.ts'
import type { ListQuery } from './list-query.ts'
import { type Statement, type WalkedRow, walkStatement } from './list-statements.ts'
import { COST_US, type WalkPlan } from './plan.ts'
import type { Position } from './sort.ts'
import type { ListSurvey } from './survey.ts'

/** What was read of a list, in the direction of reading. */
export interface Reading {
  rows: ProductRow[]
  /** Where the work was given up; null where it was done, or has come to the end of the list. */
  stoppedAt: Position | null
}

/** A step: long enough to be worth its round trip, short enough to be given up in time. */
const MIN_STEP_ENTRIES = 2000
const MAX_STEP_ENTRIES = 100_000
const MAX_STEP_CANDIDATES = 2000
/** How much more than before a step does at least, and at most, whatever the steps before it have found. */
const MIN_GROWTH = 2
const MAX_GROWTH = 4
/** What is expected to do is mostly enough. */
const SLACK = 1.4
const SPARE_CANDIDATES = 8
/** A match that was not seen yet may be about to come. */
const UNSEEN = 0.5

/** Reads from the start of a list that no filter thins out, or whose filters are the index. */
export async function walkStraight(
  database: Pick<Database, 'execute'>,
  query: ListQuery,
  need: number
): Promise<Reading> {
  const rows = await step(database, walkStatement(query, { from: query.from, until: null, limit: need }))
  return { rows: rows.filter(isWhole), stoppedAt: null }
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
  const rows: ProductRow[] = []
  const backward = query.from?.backward === true
  const testsWords = terms.length > 0
  let { from } = query
  let entries = plan.entries * SLACK
  let { candidatesPerMatch } = plan
  let passed = 0
  let candidates = 0
  let workUs = 0
  for (;;) {
    const missing = need - rows.length
    const affordable = Math.min((budgetUs - workUs) / COST_US.entry, MAX_STEP_ENTRIES)
    entries = Math.max(Math.min(entries, affordable), MIN_STEP_ENTRIES)
    const enough = missing * candidatesPerMatch * SLACK + SPARE_CANDIDATES
    const limit = testsWords ? Math.round(Math.min(enough, MAX_STEP_CANDIDATES)) : missing
    const end = passed + Math.max(1, Math.round(entries / sample.weight))
    const bound = ahead(end - 1)
    const until = bound === undefined ? null : placeAt(query, bound, backward)
    const found = await step(database, walkStatement(query, { from, until, limit }))
    for (const row of found) if (isWhole(row)) rows.push(row)
    if (rows.length >= need) return { rows: rows.slice(0, need), stoppedAt: null }

    const isFull = found.length === limit
    const last = found.at(-1)
    if (isFull && last !== undefined) from = positionOf(query, last, backward)
    else if (until === null) return { rows, stoppedAt: null }
    else [from, passed] = [until, end]
    workUs += entries * COST_US.entry * (isFull ? 0.5 : 1) + found.length * COST_US.row
    if (workUs >= budgetUs) return { rows, stoppedAt: from }

    candidates += found.length
    const matches = rows.length + UNSEEN
    candidatesPerMatch = Math.min((candidates + UNSEEN) / matches, candidatesPerMatch * MAX_GROWTH)
    if (!isFull) {
      const expected = ((need - rows.length) * passed * sample.weight * SLACK) / matches
      entries = Math.min(Math.max(expected, entries * MIN_GROWTH), entries * MAX_GROWTH)
    }
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
  const isTime = sort.key === 'createdAt' || sort.key === 'updatedAt'
  return { value: isTime ? datetimeToTimestamp(key_value) : key_value, id: key_id, inclusive: false, backward }
}
