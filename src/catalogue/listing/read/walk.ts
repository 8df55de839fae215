import type { Database } from '../../../platform/database/database.ts'
import type { ProductRow } from '../../products/product-row.ts'
import type { SampledProduct } from '../plan/catalogue-sample.ts'
import { COST_US, PSEUDOCOUNT, type WalkPlan } from '../plan/plan-list.ts'
import type { ListSampleView } from '../plan/sample-view.ts'
import type { Position } from '../query/cursor.ts'
import type { ListQuery } from '../query/list-query.ts'
import { fromStored, type WalkedRow, walkStatement } from './statements.ts'

/** What is to be read: a number of rows of a list, and what a sample of the catalogue shows of that list. */
export interface ListTask {
  query: ListQuery
  view: ListSampleView
  /** The number of rows to read; fewer at the end of the list. */
  needed: number
}

/** Rows of a list in reading order. */
export interface ListRows {
  rows: ProductRow[]
  /**
   * The position at which the work was given up, behind all that was looked at; null when all needed rows were read, or all
   * rows up to the end of the list.
   */
  stoppedAt: Position | null
}

/**
 * Walks a list in steps, until it has the needed rows, reaches the end, or has spent its budget. A step is one statement over
 * a range of the index that ends at a product of the sample. So it reads about as many entries as it means to, however few
 * of them match; a LIMIT would not stop the server where nothing matches.
 * @param budgetUs the cost to give up at, in µs by the cost model: exceeded by the step that is under way, and up to double
 * when the walk is nearly done
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function walk(
  database: Pick<Database, 'execute'>,
  { query, view: { sample, upcoming, terms }, needed }: ListTask,
  plan: WalkPlan,
  budgetUs: number
): Promise<ListRows> {
  const pace = createWalkPace({ plan, needed, testsWords: terms.length > 0, budgetUs })
  const backward = query.from?.backward === true
  const rows: ProductRow[] = []
  const seenIds = new Set<string>()
  let { from } = query
  /** Products of the sample that the walk has passed, and will have passed at the end of the step. */
  let passed = 0
  let end = 0
  for (;;) {
    const { entries, candidates } = pace.nextStep(needed - rows.length)
    // A step that became full before its end leads further than a smaller one after it would: no range may end earlier.
    end = Math.max(end, passed + Math.max(1, Math.round(entries / sample.weight)))
    const bound = upcoming(end - 1)
    const until = bound === undefined ? null : positionOfSampled(query, bound, backward)
    const { sql, params } = walkStatement(query, { from, until }, candidates)
    const found = await database.execute<WalkedRow>(sql, params)
    for (const row of found) {
      if (!hasWords(row)) continue
      // Each step sees the table at another time: a product that has moved may come up again.
      const id = row.id.toString('latin1')
      if (seenIds.has(id)) continue
      seenIds.add(id)
      rows.push(row)
    }
    if (rows.length >= needed) return { rows: rows.slice(0, needed), stoppedAt: null }

    const isFull = found.length === candidates
    const last = found.at(-1)
    if (isFull && last !== undefined) from = positionOfRow(query, last, backward)
    else if (until === null) return { rows, stoppedAt: null }
    else [from, passed] = [until, end]
    const progress = { matches: rows.length, passedEntries: passed * sample.weight }
    if (!pace.shouldContinue({ candidates: found.length, isFull, ...progress })) return { rows, stoppedAt: from }
  }
}

function hasWords(row: WalkedRow): row is WalkedRow & ProductRow {
  return row.id !== null
}

function positionOfSampled({ sort }: ListQuery, product: SampledProduct, backward: boolean): Position {
  return { value: product[sort.key], id: product.id, inclusive: false, backward }
}

function positionOfRow({ sort }: ListQuery, { key_value, key_id }: WalkedRow, backward: boolean): Position {
  return { value: fromStored(sort.key, key_value), id: key_id, inclusive: false, backward }
}

/** Decides how large each step of a walk is, and when to give up. */
interface WalkPace {
  /** @param missing the matches that are still to be found */
  nextStep(missing: number): StepSize
  /** Takes account of a step. Returns false when the walk is to be given up. */
  shouldContinue(outcome: StepOutcome): boolean
}

/** The size of a step. */
interface StepSize {
  /** The index entries that it reads. */
  entries: number
  /** The most entries that it takes from there, to fetch and test their rows. */
  candidates: number
}

/** The outcome of a step. */
interface StepOutcome {
  /** Entries that it has taken. */
  candidates: number
  /** Whether these were as many as it could take, so that it ended before its range did. */
  isFull: boolean
  /** All matches of the walk until now. */
  matches: number
  /** All index entries that the walk has passed until now. */
  passedEntries: number
}

interface WalkPaceOptions {
  plan: WalkPlan
  /** The matches at which the walk is done. */
  needed: number
  /** Whether candidates have to be tested; otherwise each of them is a match. */
  testsWords: boolean
  budgetUs: number
}

/** Bounds of a step: long enough to be worth its round trip, short enough to give up in time. */
const MIN_ENTRIES = 2000
const MAX_ENTRIES = 100_000
const MAX_CANDIDATES = 2000
/** A step reads at least twice and at most four times as much as the one before, whatever the outcomes suggest. */
const MIN_GROWTH = 2
const MAX_GROWTH = 4
/** What is expected is multiplied by this, to be enough most of the time. */
const SLACK = 1.4
const SPARE_CANDIDATES = 8

/** Creates the pace of one walk: its first step goes by the plan, the next ones by what was found. */
function createWalkPace({ plan, needed, testsWords, budgetUs }: WalkPaceOptions): WalkPace {
  let entries = plan.entries * SLACK
  let { candidatesPerMatch } = plan
  let candidates = 0
  let spentUs = 0

  return {
    nextStep(missing) {
      const affordable = Math.max(budgetUs - spentUs, budgetUs / 2) / COST_US.entry
      entries = Math.max(Math.min(entries, affordable, MAX_ENTRIES), MIN_ENTRIES)
      const enough = Math.round(missing * candidatesPerMatch * SLACK) + SPARE_CANDIDATES
      return { entries, candidates: testsWords ? Math.min(enough, MAX_CANDIDATES) : missing }
    },

    shouldContinue(outcome) {
      // A full step has read an unknown part of its range.
      spentUs += entries * COST_US.entry * (outcome.isFull ? 0.5 : 1) + outcome.candidates * COST_US.row
      candidates += outcome.candidates
      const [missing, matches] = [needed - outcome.matches, outcome.matches + PSEUDOCOUNT]
      candidatesPerMatch = Math.min((candidates + PSEUDOCOUNT) / matches, candidatesPerMatch * MAX_GROWTH)
      if (!outcome.isFull) {
        const expected = (missing * outcome.passedEntries * SLACK) / matches
        entries = Math.min(Math.max(expected, entries * MIN_GROWTH), entries * MAX_GROWTH)
      }
      const isNearlyDone = (spentUs * missing) / matches < budgetUs / 2
      return spentUs < budgetUs || (isNearlyDone && spentUs < 2 * budgetUs)
    }
  }
}
