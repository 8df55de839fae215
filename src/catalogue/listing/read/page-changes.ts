import type { SortKey } from '../../../../schemas/products.ts'
import type { Change, ListingKey } from '../../change-log/change.ts'
import { isReadAscending, type ListQuery } from '../query/list-query.ts'

/** The sort values between which the rows of a page lie, both included; null on a side that nothing bounds. */
export type SortRange = readonly [lowest: string | null, highest: string | null]

/** The range that any product may lie in. */
export const UNBOUNDED: SortRange = [null, null]

/**
 * Returns the range that the rows of a page lie in: a change outside of it leaves the page as it is.
 * @param last the sort value of the last row that was read in reading order (the row after the page, which shows that there
 * is one), or at which reading stopped; null at the end of the list
 */
export function sortRangeOf({ sort, from }: Pick<ListQuery, 'sort' | 'from'>, last: string | null): SortRange {
  // Only the database knows the order of names, so that pages by name have no bounds.
  if (sort.key === 'name') return UNBOUNDED
  const first = from?.value ?? null
  return isReadAscending({ sort, from }) ? [first, last] : [last, first]
}

/**
 * Makes a test for whether a change of a product may change a page: whether the product passes the filters and lies in the
 * range of the page, before the change or after it. The words of a search are not looked at, so that the test errs on the
 * side of true.
 */
export function affectsPage(
  { categories, sort, ...query }: Pick<ListQuery, 'categories' | 'sort' | 'minPrice' | 'maxPrice'>,
  range: SortRange
): (change: Change) => boolean {
  const minPrice = Number(query.minPrice ?? Number.NEGATIVE_INFINITY)
  const maxPrice = Number(query.maxPrice ?? Number.POSITIVE_INFINITY)
  const isInRange = rangeTest(sort.key, range)

  // Runs for thousands of changes in a row: numbers are parsed and closures made before.
  function isOnPage(product: ListingKey | null): boolean {
    if (product === null || product.price < minPrice || product.price > maxPrice) return false
    const { category } = product
    if (categories.length > 0 && (category === null || !categories.includes(category))) return false
    return isInRange(product)
  }
  return ({ listingKeys }) => listingKeys === undefined || isOnPage(listingKeys[0]) || isOnPage(listingKeys[1])
}

function rangeTest(key: SortKey, [lowest, highest]: SortRange): (product: ListingKey) => boolean {
  if (key === 'name' || (lowest === null && highest === null)) return () => true
  if (key === 'price') {
    const [min, max] = [Number(lowest ?? Number.NEGATIVE_INFINITY), Number(highest ?? Number.POSITIVE_INFINITY)]
    return ({ price }) => price >= min && price <= max
  }
  return (product) => (lowest === null || product[key] >= lowest) && (highest === null || product[key] <= highest)
}
