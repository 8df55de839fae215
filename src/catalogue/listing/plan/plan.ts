import type { SearchTerm } from '../../search/search-words.ts'
import { hasPriceFilter } from '../query/filters.ts'
import type { ListQuery } from '../query/list-query.ts'
import type { SelectiveSource } from '../read/conditions.ts'
import type { FilterSurvey, ListSurvey } from './survey.ts'

/** What work costs the database, in microseconds on a warm server (docs/decisions/0013-walk-or-fetch.md). */
export const COST_US = {
  /** To test an entry of an index. */
  entry: 0.25,
  /** To fetch a row that was found in the index, and test its words. */
  row: 2,
  /** To fetch a row for its sort value, in the order of another index; and to test its words as well. */
  sortedRow: 3,
  orderedRow: 4,
  /** To read the entry of a word for a product in FULLTEXT, and to fetch the row of a product that has all words. */
  posting: 0.4,
  match: 6
} as const

/** What was not met yet counts as half of one: it may be about to come. */
export const UNSEEN = 0.5
/** Matches by which the share of matches is told, from where a walk begins. */
const ENOUGH_MATCHES = 8
/** Words that FULLTEXT is asked for: each one more is read as a whole. */
const MAX_FULLTEXT_TERMS = 3
/** How far away the first match may be, in usual distances, without telling that there are none before it. */
const USUAL_LEAD = 5
const CERTAIN_LEAD = 10

/** Walk the order of the sort, and test. */
export interface WalkPlan {
  /** Entries of the index that it will look at, if there are matches from the beginning. */
  entries: number
  /** Candidates for each match. */
  candidatesPerMatch: number
  costUs: number
  /** What it costs if there are matches from the beginning, though the sample has none there. */
  hopedUs: number
}

/** Fetch the few that there are, and sort. */
export interface SelectivePlan {
  source: SelectiveSource
  costUs: number
}

export interface ListPlan {
  walk: WalkPlan
  few: SelectivePlan | null
}

/** The cheapest way to fetch the few; null where there is none but to walk. */
export function planSelective(survey: FilterSurvey, query: ListQuery): SelectivePlan | null {
  const plans = [
    planWords(survey),
    // By price it is the walk.
    hasPriceFilter(query) && query.sort.key !== 'price' ? planPrices(survey) : null
  ].filter((plan) => plan !== null)
  return plans.sort((a, b) => a.costUs - b.costUs)[0] ?? null
}

/** Estimates what it costs to walk to so many rows of a list. */
export function planWalk({ sample, ahead, terms, isCandidate, isMatch }: ListSurvey, need: number): WalkPlan {
  let seen = 0
  let candidates = 0
  const matchedAt: number[] = []
  for (let product = ahead(0); product !== undefined; product = ahead(seen)) {
    seen++
    if (!isCandidate(product)) continue
    candidates++
    if (isMatch(product) && matchedAt.push(seen) === ENOUGH_MATCHES) break
  }
  const all = matchedAt.length === ENOUGH_MATCHES ? Number.POSITIVE_INFINITY : Math.max(1, seen) * sample.weight
  const { lead, distance, isLate } = distanceToMatches(matchedAt, seen)
  const testsWords = terms.length > 0
  const rowsPerEntry = testsWords ? (candidates + UNSEEN) / (seen + UNSEEN) : 0
  const costOf = (entries: number) =>
    Math.min(all, entries) * (COST_US.entry + rowsPerEntry * COST_US.row) + (testsWords ? 0 : need * COST_US.row)
  const costUs = costOf(lead * sample.weight + need * distance)
  return {
    entries: Math.min(all, need * distance),
    candidatesPerMatch: testsWords ? (candidates + UNSEEN) / (matchedAt.length + UNSEEN) : 1,
    costUs,
    hopedUs: isLate ? costUs : costOf(need * distance)
  }
}

/**
 * How many entries there are to each match. Matches may begin late, where what is searched for is old and the newest
 * comes first: then there is a lead before them, in products of the sample.
 */
function distanceToMatches(matchedAt: readonly number[], seen: number) {
  const [first, last] = [matchedAt[0], matchedAt.at(-1)]
  if (first === undefined || last === undefined) return { lead: 0, distance: Number.POSITIVE_INFINITY, isLate: false }
  // Few of them may be close together by chance.
  if (matchedAt.length < ENOUGH_MATCHES / 2) return { lead: 0, distance: seen / matchedAt.length, isLate: false }
  const distance = (last - first) / (matchedAt.length - 1)
  return { lead: Math.max(0, first - USUAL_LEAD * distance), distance, isLate: first > CERTAIN_LEAD * distance }
}

/** FULLTEXT for the rarest words, or the rarest together; the others are tested on the rows. Null without a search. */
export function planWords({ sample, terms }: FilterSurvey): SelectivePlan | null {
  const plans: SelectivePlan[] = []
  const asked: SearchTerm[] = []
  let postings = 0
  let joint = new Uint8Array(sample.products.length).fill(1)
  for (const { term, flags, count } of terms.slice(0, MAX_FULLTEXT_TERMS)) {
    asked.push(term)
    postings += Math.max(count, UNSEEN) * sample.weight
    joint = joint.map((flag, index) => flag & (flags[index] ?? 0))
    const matches = Math.max(sum(joint), UNSEEN) * sample.weight
    plans.push({ source: { terms: [...asked] }, costUs: postings * COST_US.posting + matches * COST_US.match })
  }
  return plans.sort((a, b) => a.costUs - b.costUs)[0] ?? null
}

/** The index of the prices: all entries in the range, and the rows of those that pass. */
export function planPrices({ sample, terms, isInCategories, isInPrices, isCandidate }: FilterSurvey): SelectivePlan {
  const within = sample.products.filter((product) => isInPrices(product) && isInCategories(product))
  const fetched = terms.length === 0 ? within : within.filter(isCandidate)
  const [entries, rows] = [within, fetched].map(({ length }) => Math.max(length, UNSEEN) * sample.weight)
  return { source: 'prices', costUs: (entries ?? 0) * COST_US.entry + (rows ?? 0) * COST_US.sortedRow }
}

function sum(flags: Uint8Array): number {
  return flags.reduce((total, flag) => total + flag, 0)
}
