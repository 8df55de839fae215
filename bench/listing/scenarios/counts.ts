import type { ProductListQuery } from '../../../schemas/products.ts'
import type { Landmarks } from '../landmarks.ts'
import { choose, eachSort, type Scenario, SORTS } from '../scenario.ts'
import type { FloorName } from '../sql/floor.ts'
import { categoryOf } from './lists.ts'

const WALKS: readonly FloorName[] = ['walk', 'walk, then rows']
const WAYS: readonly FloorName[] = ['FULLTEXT', 'walk, LOCATE', 'walk, signatures']
const WORDS = ['recycled', 'handmade', 'imported', 'limited', 'refurbished', 'prototype', 'quality'] as const
/** A price above all others. */
const NO_LIMIT = 90_000_000

type Filters = (number: number) => ProductListQuery

/** Creates the scenarios of lists with a total, and of facets. */
export function countScenarios({ narrowRange }: Landmarks): Scenario[] {
  const everything: Filters = () => ({})
  const word: Filters = () => ({ search: 'recycled' })
  return [
    total('estimate', 'all products', WALKS, everything),
    total('estimate', 'one category', WALKS, categoryOf),
    total('estimate', 'a word in 4 %', WAYS, word),
    total('exact', 'all products', WALKS, everything),
    total('exact', 'one category', WALKS, categoryOf),
    total('exact', 'a word in 4 %', WAYS, word),
    // Without a filter there is only one question: maximum prices above every price make more.
    facets('all products', ['index'], (number) => ({ maxPrice: String(NO_LIMIT + number) })),
    facets('one category', ['index'], (number) => ({
      ...categoryOf(number * SORTS),
      maxPrice: String(NO_LIMIT - number)
    })),
    facets('a word', ['index', 'FULLTEXT'], (number) => ({
      search: choose(WORDS, number),
      maxPrice: String(NO_LIMIT + number)
    })),
    facets('a price range of 1 in 1000', ['index', 'price range'], narrowRange)
  ]
}

function total(total: 'estimate' | 'exact', what: string, floors: readonly FloorName[], filters: Filters): Scenario {
  const question: Filters = (number) => ({ ...filters(number), ...eachSort(number), total })
  return { name: `total=${total} of ${what}, every sort`, resource: 'list', floors, question }
}

function facets(what: string, floors: readonly FloorName[], question: Filters): Scenario {
  return { name: `facets of ${what}`, resource: 'facets', floors, question }
}
