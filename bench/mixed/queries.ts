import { SORT_KEYS } from '../../schemas/products.ts'
import { categories } from '../../scripts/seed/categories.ts'

const ORDERS = ['asc', 'desc']
const LIMITS = [10, 20, 24, 50]
const PRICES = [5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500]

const names = categories.map(({ name }) => name)
/** No category, each single one, and pairs of neighbours. */
const categoryChoices: readonly (readonly string[])[] = [
  [],
  ...names.map((name) => [name]),
  ...names.slice(1).map((name, index) => [names[index] ?? '', name])
]
const priceChoices = [undefined, ...PRICES].flatMap((min) =>
  [...PRICES, undefined].filter((max) => (min ?? 0) < (max ?? Number.POSITIVE_INFINITY)).map((max) => ({ min, max }))
)

const dimensions = [categoryChoices.length, priceChoices.length, SORT_KEYS.length, ORDERS.length, LIMITS.length]
/** The number of different queries. */
export const QUERIES = dimensions.reduce((product, size) => product * size)
/** A prime that divides no dimension: its multiples visit every query once, with neighbours far apart. */
const STRIDE = 1_000_003

/** Returns the path of a list: a different one for each index below `QUERIES`. */
export function queryPath(index: number): string {
  let rest = (index * STRIDE) % QUERIES
  const [category = 0, price = 0, key = 0, order = 0, limit = 0] = dimensions.map((size) => {
    const choice = rest % size
    rest = Math.floor(rest / size)
    return choice
  })
  const { min, max } = priceChoices[price] ?? {}
  const params = new URLSearchParams()
  for (const name of categoryChoices[category] ?? []) params.append('category', name)
  if (min !== undefined) params.set('minPrice', String(min))
  if (max !== undefined) params.set('maxPrice', String(max))
  params.set('sortBy', SORT_KEYS[key] ?? '')
  params.set('sortOrder', ORDERS[order] ?? '')
  params.set('limit', String(LIMITS[limit]))
  return `/api/v1/products?${params}`
}
