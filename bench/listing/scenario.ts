import { type ProductListQuery, SORT_KEYS } from '../../schemas/products.ts'
import type { FloorName } from './sql/floor.ts'

/** A kind of question, and many of that kind: no two are the same, so that no answer can come from a cache. */
export interface Scenario {
  name: string
  resource: 'list' | 'facets'
  /** The question of a number, from 0: of a list, or the filters of facets. */
  question(number: number): ProductListQuery
  /** The ways in which somebody would write it by hand, of which the fastest one counts. */
  floors: readonly FloorName[]
}

/** What a scenario is about, as the goals tell them apart. */
export type Group = 'lists' | 'searches' | 'counts'

const ORDERS = ['desc', 'asc'] as const
/** In how many questions `eachSort` goes through all sorts. */
export const SORTS = SORT_KEYS.length * ORDERS.length
const PATHS = { list: '/api/v1/products', facets: '/api/v1/products/facets' } as const
const LEAST_LIMIT = 10
const LIMITS = 31
/** It shares no divisor with the number of limits: its multiples are all of them. */
const STRIDE = 7

export function pathOf({ resource, question }: Scenario, number: number): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(question(number))) {
    for (const single of [value].flat()) params.append(name, String(single))
  }
  return `${PATHS[resource]}?${params}`
}

export function groupOf({ resource, question }: Scenario): Group {
  const { search, total } = question(0)
  if (resource === 'facets' || total !== undefined) return 'counts'
  return search === undefined ? 'lists' : 'searches'
}

/** All sorts in turn, and then another limit from 10 to 40: 248 different questions. */
export function eachSort(number: number): Pick<ProductListQuery, 'sortBy' | 'sortOrder' | 'limit'> {
  const [key, order] = [number % SORT_KEYS.length, Math.floor(number / SORT_KEYS.length) % ORDERS.length]
  return { sortBy: SORT_KEYS[key] ?? 'createdAt', sortOrder: ORDERS[order] ?? 'desc', limit: limitOf(roundOf(number)) }
}

/** The newest first and the oldest first in turn, and then another limit: 62 different questions. */
export function byAge(number: number): Pick<ProductListQuery, 'sortBy' | 'sortOrder' | 'limit'> {
  const round = Math.floor(number / ORDERS.length)
  return { sortBy: 'createdAt', sortOrder: ORDERS[number % ORDERS.length] ?? 'desc', limit: limitOf(round) }
}

/** How often `eachSort` has gone through all sorts: for what is to meet every sort. */
export function roundOf(number: number): number {
  return Math.floor(number / SORTS)
}

/** One of the choices for each number, again and again. */
export function choose<T>(choices: readonly [T, ...T[]], number: number): T {
  return choices[number % choices.length] ?? choices[0]
}

function limitOf(round: number): number {
  return LEAST_LIMIT + ((round * STRIDE) % LIMITS)
}
