import type { Pagination, Product, ProductPage, SortKey } from '../../../../schemas/products.ts'
import { parseId } from '../../../platform/lib/uuid.ts'
import type { Change, ListingKey } from '../../change-log/product-changes.ts'
import { toProduct } from '../../products/product-row.ts'
import { encodeCursor, type Position } from '../query/cursor.ts'
import { isReadAscending, type ListQuery } from '../query/list-query.ts'
import { countProducts, estimateTotal } from './count-products.ts'
import { type ListReader, readList } from './read-list.ts'

/** A page of a list, and what may change it. */
export interface ReadPage {
  page: ProductPage
  /** The sort values between which the rows of the page lie. */
  sortRange: SortRange
}

/**
 * Reads a page of products: its rows in the order of the list, the cursors around it, and the total if the query asks for
 * it. A page can be short, or empty, though the list goes on: see `readList`.
 * @throws {AppError} 503 when the database does not answer in time
 */
export async function listProducts(reader: ListReader, query: ListQuery): Promise<ReadPage> {
  // One row more than the page has, to know whether there is one.
  const { rows, stoppedAt } = await readList(reader, query, query.limit + 1)
  const read = rows.map(toProduct)
  const rowAfter = read.length > query.limit ? read.pop() : undefined
  const onward = rowAfter === undefined ? stoppedAt : positionAfter(query, read.at(-1))
  const sortRange = sortRangeOf(query, rowAfter?.[query.sort.key] ?? stoppedAt?.value ?? null)
  const data = query.from?.backward ? read.toReversed() : read
  const page = { data, pagination: paginate(query, onward, positionBack(query, read[0])) }
  if (query.total === null) return { page, sortRange }
  Object.assign(page.pagination, await totalOf(reader, query, page, rowAfter !== undefined))
  // A total depends on the whole list.
  return { page, sortRange: UNBOUNDED }
}

async function totalOf(
  reader: ListReader,
  query: ListQuery,
  { data, pagination: { nextCursor, prevCursor } }: ProductPage,
  hasRowAfter: boolean
): Promise<Pick<Pagination, 'total' | 'totalIsExact'>> {
  const isWholeList = nextCursor === null && prevCursor === null
  if (isWholeList) return { total: data.length, totalIsExact: true }
  const count = query.total === 'exact' ? countProducts : estimateTotal
  const { total, isExact } = await count(reader, query)
  const seen = data.length + (hasRowAfter ? 1 : 0)
  return { total: isExact ? total : Math.max(total, seen), totalIsExact: isExact }
}

/**
 * @param onward the position at which the list goes on in reading order; null at its end
 * @param back the position from which the list goes on in the other direction; null at its start
 */
function paginate({ from, limit, fingerprint }: ListQuery, onward: Position | null, back: Position | null): Pagination {
  const [next, previous] = from?.backward ? [back, onward] : [onward, back]
  return {
    limit,
    hasMore: next !== null,
    nextCursor: next && encodeCursor(next, fingerprint),
    prevCursor: previous && encodeCursor(previous, fingerprint)
  }
}

/** The position after a product of the page, in reading order. */
function positionAfter({ sort, from }: ListQuery, product: Product | undefined): Position | null {
  if (product === undefined) return from
  return { value: product[sort.key], id: parseId(product.id), inclusive: false, backward: from?.backward ?? false }
}

/** The position from which the page before this one is read: from an empty page it leads to where the client came from. */
function positionBack(query: ListQuery, first: Product | undefined): Position | null {
  const { from } = query
  if (from === null) return null
  const backward = !from.backward
  const at = positionAfter(query, first) ?? from
  return first === undefined ? { ...from, inclusive: !from.inclusive, backward } : { ...at, backward }
}

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
