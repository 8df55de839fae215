import { type ProductListQuery, SORT_KEYS } from '../../schemas/products.ts'
import type { FloorName } from './sql/floor.ts'

/** A kind of request, with many different questions: no two are equal, so no cache can answer one. */
export interface Scenario {
  name: string
  resource: 'list' | 'facets'
  /** Returns the question with a number from 0: the query of a list, or the filters of facets. */
  question(number: number): ProductListQuery
  /** The hand-written ways to answer it; the fastest one counts. */
  floors: readonly FloorName[]
}

/** The group of a scenario: goals differ between groups. */
export type Group = 'lists' | 'searches' | 'counts'

const ORDERS = ['desc', 'asc'] as const
/** The number of sort orders: `eachSort` uses each of them once in so many questions. */
export const SORTS = SORT_KEYS.length * ORDERS.length
const PATHS = { list: '/api/v1/products', facets: '/api/v1/products/facets' } as const
const LEAST_LIMIT = 10
const LIMITS = 31
/** Coprime to the number of limits, so that its multiples reach all of them. */
const STRIDE = 7

/** Returns the path and query string of a question. */
export function pathOf({ resource, question }: Scenario, number: number): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(question(number))) {
    for (const single of [value].flat()) params.append(name, String(single))
  }
  return `${PATHS[resource]}?${params}`
}

/** Returns the group of a scenario. */
export function groupOf({ resource, question }: Scenario): Group {
  const { search, total } = question(0)
  if (resource === 'facets' || total !== undefined) return 'counts'
  return search === undefined ? 'lists' : 'searches'
}

/** Returns each sort in turn, then again with another limit from 10 to 40: 248 different questions. */
export function eachSort(number: number): Pick<ProductListQuery, 'sortBy' | 'sortOrder' | 'limit'> {
  const [key, order] = [number % SORT_KEYS.length, Math.floor(number / SORT_KEYS.length) % ORDERS.length]
  return { sortBy: SORT_KEYS[key] ?? 'createdAt', sortOrder: ORDERS[order] ?? 'desc', limit: limitOf(roundOf(number)) }
}

/** Returns newest first and oldest first in turn, then again with another limit: 62 different questions. */
export function byAge(number: number): Pick<ProductListQuery, 'sortBy' | 'sortOrder' | 'limit'> {
  const round = Math.floor(number / ORDERS.length)
  return { sortBy: 'createdAt', sortOrder: ORDERS[number % ORDERS.length] ?? 'desc', limit: limitOf(round) }
}

/** Returns how often `eachSort` has used every sort before a number: the index of filters to combine with each sort. */
export function roundOf(number: number): number {
  return Math.floor(number / SORTS)
}

/** Returns one choice for each number, in turn. */
export function choose<T>(choices: readonly [T, ...T[]], number: number): T {
  return choices[number % choices.length] ?? choices[0]
}

function limitOf(round: number): number {
  return LEAST_LIMIT + ((round * STRIDE) % LIMITS)
}
