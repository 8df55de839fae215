import { COST_US, UNSEEN, type WalkPlan } from '../plan/plan.ts'

/** How much a step of a walk is to look at. */
export interface StepSize {
  /** Entries of the index. */
  entries: number
  /** Rows that are taken from there, to be tested. */
  candidates: number
}

/** How a step has gone. */
export interface StepOutcome {
  /** Rows that were taken from the index, as many as there should be where it is full. */
  candidates: number
  isFull: boolean
  /** All that was found so far, and entries that are behind the walk by now. */
  matches: number
  passedEntries: number
}

/** Decides on the size of each step, and on when to give up. */
export interface WalkPace {
  /** @param missing matches */
  next(missing: number): StepSize
  /** Whether to go on. */
  goesOn(outcome: StepOutcome): boolean
}

interface WalkPaceOptions {
  plan: WalkPlan
  /** Matches. */
  need: number
  /** Else each candidate is a match. */
  testsWords: boolean
  budgetUs: number
}

/** A step: long enough to be worth its round trip, short enough to be given up in time. */
const MIN_ENTRIES = 2000
const MAX_ENTRIES = 100_000
const MAX_CANDIDATES = 2000
/** How much more than before a step does at least, and at most, whatever the steps before it have found. */
const MIN_GROWTH = 2
const MAX_GROWTH = 4
/** What is expected to do is mostly enough. */
const SLACK = 1.4
const SPARE_CANDIDATES = 8

/** Steps begin as the plan has it, and then go by what was found. */
export function createWalkPace({ plan, need, testsWords, budgetUs }: WalkPaceOptions): WalkPace {
  let entries = plan.entries * SLACK
  let { candidatesPerMatch } = plan
  let candidates = 0
  let workUs = 0

  return {
    next(missing) {
      const affordable = Math.max(budgetUs - workUs, budgetUs / 2) / COST_US.entry
      entries = Math.max(Math.min(entries, affordable, MAX_ENTRIES), MIN_ENTRIES)
      const enough = Math.round(missing * candidatesPerMatch * SLACK) + SPARE_CANDIDATES
      return { entries, candidates: testsWords ? Math.min(enough, MAX_CANDIDATES) : missing }
    },

    goesOn(outcome) {
      // Where in the step it has become full nobody knows.
      workUs += entries * COST_US.entry * (outcome.isFull ? 0.5 : 1) + outcome.candidates * COST_US.row
      candidates += outcome.candidates
      const [missing, matches] = [need - outcome.matches, outcome.matches + UNSEEN]
      candidatesPerMatch = Math.min((candidates + UNSEEN) / matches, candidatesPerMatch * MAX_GROWTH)
      if (!outcome.isFull) {
        const expected = (missing * outcome.passedEntries * SLACK) / matches
        entries = Math.min(Math.max(expected, entries * MIN_GROWTH), entries * MAX_GROWTH)
      }
      // What is nearly done is worth finishing.
      const isNearlyDone = (workUs * missing) / matches < budgetUs / 2
      return workUs < budgetUs || (isNearlyDone && workUs < 2 * budgetUs)
    }
  }
}
