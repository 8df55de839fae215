import type { SearchTerm } from '../../search/search-words.ts'
import { hasPriceFilter, type ListQuery } from '../query/list-query.ts'
import type { ListSampleView, SampleView } from './sample-view.ts'

/**
 * The two ways to read a list, with their estimated costs. Either can be a thousand times slower than the other.
 *
 * - A *walk* is an ordered index scan that tests rows: it reads the index of the sort from the start position on and tests
 *   each entry until the page is full. It is good where matches are frequent.
 * - A *selective fetch* finds all matches in another index, of words or of prices, and sorts them. It is good where
 *   matches are rare in the whole catalogue.
 *
 * Costs are in microseconds that a warm server works, by the cost model `COST_US`.
 */
export interface ListPlan {
  walk: WalkPlan
  /** The cheapest selective fetch; null when no other index helps. */
  selective: SelectivePlan | null
}

/** What a walk is expected to do. */
export interface WalkPlan {
  /** The index entries that it reads, if matches begin at once. */
  entries: number
  /** The entries that pass prices and signature, and whose rows must be fetched, for each match. */
  candidatesPerMatch: number
  /** The estimated cost in µs. */
  costUs: number
  /**
   * The estimated cost in µs if matches begin at once. It is lower than `costUs` where the sample shows matches only
   * further on, and the same where they are so far away that this is certain.
   */
  optimisticUs: number
}

/** What a selective fetch is expected to do. */
export interface SelectivePlan {
  source: SelectiveSource
  /** The estimated cost in µs. */
  costUs: number
}

/** The index that a selective fetch reads: FULLTEXT, for products that have all of these terms, or the index of prices. */
export type SelectiveSource = { terms: readonly SearchTerm[] } | 'prices'

/** The cost model: what work costs the database, in µs on a warm server (measured in docs/decisions/0013-walk-or-fetch.md). */
export const COST_US = {
  /** Testing an entry of an index. */
  entry: 0.25,
  /** Fetching the row of an entry by its id, and testing its words. */
  row: 2,
  /** Fetching a row for its sort value, in the order of another index. */
  sortedRow: 3,
  /** Fetching a row in the order of another index, and testing its words. */
  orderedRow: 4,
  /** Reading the entry that FULLTEXT has of one word in one product. */
  posting: 0.4,
  /** Fetching the row of a product in which FULLTEXT has found all words. */
  match: 6
} as const

/** The pseudocount (additive smoothing): what the sample has not shown at all counts as half an occurrence. */
export const PSEUDOCOUNT = 0.5
/** The matches after which the frequency of matches is known well enough. */
const ENOUGH_MATCHES = 8
/** FULLTEXT reads all entries of every word that it is asked for, so that further words cost more than they save. */
const MAX_FULLTEXT_TERMS = 3
/** How far away the first match may still be by chance, as a multiple of the spacing between matches. */
const USUAL_OFFSET = 5
/** How far away the first match cannot be by chance, likewise. */
const CERTAIN_OFFSET = 10

/**
 * Estimates the cost of a walk, from the products of the sample that it would pass first.
 * @param needed the number of matches at which the walk is done
 */
export function planWalk({ sample, upcoming, terms, isCandidate, isMatch }: ListSampleView, needed: number): WalkPlan {
  let passed = 0
  let candidates = 0
  /** For each match, the number of products passed up to and including it. */
  const matchedAt: number[] = []
  for (let product = upcoming(0); product !== undefined; product = upcoming(passed)) {
    passed++
    if (!isCandidate(product)) continue
    candidates++
    if (isMatch(product) && matchedAt.push(passed) === ENOUGH_MATCHES) break
  }
  // Unless there were enough matches before, the sample was looked through to the end of the list.
  const allEntries =
    matchedAt.length === ENOUGH_MATCHES ? Number.POSITIVE_INFINITY : Math.max(1, passed) * sample.weight
  const { offset, spacing, startsLate } = locateMatches(matchedAt, passed)
  const testsWords = terms.length > 0
  const rowsPerEntry = testsWords ? (candidates + PSEUDOCOUNT) / (passed + PSEUDOCOUNT) : 0
  const costOf = (entries: number) =>
    Math.min(allEntries, entries) * (COST_US.entry + rowsPerEntry * COST_US.row) +
    (testsWords ? 0 : needed * COST_US.row)
  const costUs = costOf(offset * sample.weight + needed * spacing)
  return {
    entries: Math.min(allEntries, needed * spacing),
    candidatesPerMatch: testsWords ? (candidates + PSEUDOCOUNT) / (matchedAt.length + PSEUDOCOUNT) : 1,
    costUs,
    optimisticUs: startsLate ? costUs : costOf(needed * spacing)
  }
}

/** Where matches lie in the part of an index that a walk reads. */
interface MatchLocation {
  /**
   * Products of the sample before matches begin: more than 0 where, for example, all matches are old and the list begins
   * with the newest products.
   */
  offset: number
  /** Entries for each match from there on. The ratio is the same in the sample as in the catalogue. */
  spacing: number
  /** Whether matches begin so far away that it cannot be by chance. */
  startsLate: boolean
}

function locateMatches(matchedAt: readonly number[], passed: number): MatchLocation {
  const [first, last] = [matchedAt[0], matchedAt.at(-1)]
  if (first === undefined || last === undefined) {
    return { offset: 0, spacing: Number.POSITIVE_INFINITY, startsLate: false }
  }
  // So few matches may lie close together by chance.
  if (matchedAt.length < ENOUGH_MATCHES / 2) return { offset: 0, spacing: passed / matchedAt.length, startsLate: false }
  const spacing = (last - first) / (matchedAt.length - 1)
  const offset = Math.max(0, first - USUAL_OFFSET * spacing)
  return { offset, spacing, startsLate: first > CERTAIN_OFFSET * spacing }
}

/** Returns the cheapest selective fetch for a list, or null when only a walk can read it. */
export function planSelective(view: SampleView, query: ListQuery): SelectivePlan | null {
  const plans = [
    planFullText(view),
    // In a list by price the walk reads that index already.
    hasPriceFilter(query) && query.sort.key !== 'price' ? planPriceRange(view) : null
  ].filter((plan) => plan !== null)
  return plans.sort((a, b) => a.costUs - b.costUs)[0] ?? null
}

/**
 * Returns the cheapest way to find the products of a search by FULLTEXT: to ask for the rarest term, or for two or three
 * that are rare together, and to test the other terms on the rows. Null without a search.
 */
export function planFullText({ sample, terms }: SampleView): SelectivePlan | null {
  const plans: SelectivePlan[] = []
  const asked: SearchTerm[] = []
  let postings = 0
  let haveAllAsked = new Uint8Array(sample.products.length).fill(1)
  for (const { term, flags, count } of terms.slice(0, MAX_FULLTEXT_TERMS)) {
    asked.push(term)
    postings += Math.max(count, PSEUDOCOUNT) * sample.weight
    haveAllAsked = haveAllAsked.map((flag, index) => flag & (flags[index] ?? 0))
    const matches = Math.max(sum(haveAllAsked), PSEUDOCOUNT) * sample.weight
    plans.push({ source: { terms: [...asked] }, costUs: postings * COST_US.posting + matches * COST_US.match })
  }
  return plans.sort((a, b) => a.costUs - b.costUs)[0] ?? null
}

/** Estimates what it costs to read the whole price range in the index of prices, and to fetch the rows that pass. */
export function planPriceRange({ sample, terms, isInCategories, isInPrices, isCandidate }: SampleView): SelectivePlan {
  const inRange = sample.products.filter((product) => isInPrices(product) && isInCategories(product))
  const fetched = terms.length === 0 ? inRange : inRange.filter(isCandidate)
  const [entries, rows] = [inRange, fetched].map(({ length }) => Math.max(length, PSEUDOCOUNT) * sample.weight)
  return { source: 'prices', costUs: (entries ?? 0) * COST_US.entry + (rows ?? 0) * COST_US.sortedRow }
}

function sum(flags: Uint8Array): number {
  return flags.reduce((total, flag) => total + flag, 0)
}
