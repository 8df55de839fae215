import type { SortKey } from '../../../../schemas/products.ts'
import type { Change, ListingKey } from '../../change-log/change.ts'
import type { ListQuery } from '../query/list-query.ts'
import { isReadAscending } from '../query/sort.ts'

/** The sort values between which the rows of a page lie, both included; null where nothing bounds it. */
export type Span = readonly [lowest: string | null, highest: string | null]

/** The span of what any product may change. */
export const EVERYWHERE: Span = [null, null]

/**
 * The span of a page.
 * @param last the sort value of the last row that was read, in the direction of reading, if there may be more behind it:
 * of the row after the page, which only shows that there is one
 */
export function pageSpan({ sort, from }: ListQuery, last: string | null): Span {
  const first = from?.value ?? null
  return isReadAscending(sort, from?.backward === true) ? [first, last] : [last, first]
}

/**
 * Tells which changes may change a page: those of products that have stood or stand among the rows of the page and pass
 * its filters. In doubt they may: words are not looked at, and names are compared as far as we know their order.
 */
export function affectsPage(
  { categories, sort, ...query }: Pick<ListQuery, 'categories' | 'sort' | 'minPrice' | 'maxPrice'>,
  span: Span
): (change: Change) => boolean {
  const minPrice = Number(query.minPrice ?? Number.NEGATIVE_INFINITY)
  const maxPrice = Number(query.maxPrice ?? Number.POSITIVE_INFINITY)
  const isInSpan = within(sort.key, span)

  // Thousands of changes are looked at for one answer: numbers are read and closures made before.
  function isOnPage(at: ListingKey | null): boolean {
    if (at === null || at.price < minPrice || at.price > maxPrice) return false
    const { category } = at
    if (categories.length > 0 && (category === null || !categories.includes(category))) return false
    return isInSpan(at)
  }
  return ({ listingKeys }) => listingKeys === undefined || isOnPage(listingKeys[0]) || isOnPage(listingKeys[1])
}

function within(key: SortKey, [lowest, highest]: Span): (at: ListingKey) => boolean {
  if (key === 'price') {
    const [least, most] = [Number(lowest ?? Number.NEGATIVE_INFINITY), Number(highest ?? Number.POSITIVE_INFINITY)]
    return ({ price }) => price >= least && price <= most
  }
  const compare = key === 'name' ? compareNames : compareText
  return (at) =>
    (lowest === null || compare(at[key], lowest) >= 0) && (highest === null || compare(at[key], highest) <= 0)
}

/** Negative, positive, or 0 for what is equal or unknown. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * The order of names is that of the database (UCA 5.2.0, primary weights alone). What is certain of it here: the letters
 * A to Z and the digits have a weight each, whatever their case, digits before letters, and the first difference
 * decides. Where anything else comes before that, the order is unknown.
 */
function compareNames(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [one, other] = [weightOf(a.charCodeAt(at)), weightOf(b.charCodeAt(at))]
    if (one === UNKNOWN || other === UNKNOWN) return 0
    if (one !== other) return one - other
  }
  return 0
}

const UNKNOWN = -1

function weightOf(unit: number): number {
  if (unit >= 0x61 && unit <= 0x7a) return unit
  if (unit >= 0x41 && unit <= 0x5a) return unit + 0x20
  return unit >= 0x30 && unit <= 0x39 ? unit : UNKNOWN
}
