import { categories } from '../../../scripts/seed/categories.ts'
import type { Landmarks } from '../landmarks.ts'
import { byAge, choose, eachSort, roundOf, type Scenario } from '../scenario.ts'
import type { FloorName } from '../sql/floor.ts'
import { PLAIN } from './names.ts'

/** A price range with many products. */
export const WIDE_RANGE = { minPrice: '10', maxPrice: '50' }

const names = categories.map(({ name }) => name)
/** Categories that only have products of the first months, and of the last ones. */
const CORRELATED = ['Fax & Typewriters', 'E-Bikes'] as const
const WALKS: readonly FloorName[] = ['walk', 'walk, then rows']
const WAYS: readonly FloorName[] = [...WALKS, 'price range']

/** Creates the scenarios of lists without search. */
export function listScenarios({ narrowRange, emptyRange }: Landmarks): Scenario[] {
  const narrow = (number: number) => narrowRange(roundOf(number))
  return [
    list(PLAIN, WALKS, eachSort),
    list('one category, every sort', WALKS, (number) => ({ ...categoryOf(number), ...eachSort(number) })),
    list('a category of old or new products, by age', WALKS, (number) => ({
      category: [choose(CORRELATED, Math.floor(number / 2))],
      ...byAge(number)
    })),
    list('three categories, every sort', [...WALKS, 'walk each category'], (number) => ({
      category: threeCategories(number),
      ...eachSort(number)
    })),
    list('a wide price range, every sort', WAYS, (number) => ({ ...WIDE_RANGE, ...eachSort(number) })),
    list('a price range of 1 in 1000, every sort', WAYS, (number) => ({ ...narrow(number), ...eachSort(number) })),
    list('a price range of few or none, every sort', WAYS, (number) => ({
      ...emptyRange(roundOf(number)),
      ...eachSort(number)
    })),
    list('category and wide price range, every sort', WAYS, (number) => ({
      ...categoryOf(number),
      ...WIDE_RANGE,
      ...eachSort(number)
    })),
    list('category and narrow price range, every sort', WAYS, (number) => ({
      ...categoryOf(number),
      ...narrow(number),
      ...eachSort(number)
    }))
  ]
}

/** Returns a category for each number, large and small ones. */
export function categoryOf(number: number): { category: string[] } {
  return { category: [nameAt(roundOf(number) * 5)] }
}

function threeCategories(number: number): string[] {
  const first = roundOf(number) * 5
  return [first, first + 7, first + 21].map(nameAt)
}

function nameAt(index: number): string {
  return names[index % names.length] ?? ''
}

function list(name: string, floors: readonly FloorName[], question: Scenario['question']): Scenario {
  return { name, resource: 'list', floors, question }
}
