import type { SortKey } from '../../schemas/products.ts'
import type { Change, Standing } from '../changes/change.ts'
import type { ListQuery } from './list-query.ts'
import { isReadAscending, type Sort } from './sort.ts'

/** The sort values between which the rows of a page lie, both included; null where nothing bounds it. */
export type Span = readonly [lowest: string | null, highest: string | null]

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
 * Whether a change of a product may change a page: where the product has stood or stands among the rows of the page and
 * passes its filters. In doubt it may: words are not looked at, and names are compared as far as we know their order.
 */
export function mayTouchPage(query: ListQuery, span: Span, { standings }: Change): boolean {
  if (standings === undefined) return true
  return standings.some(
    (standing) => standing !== null && isFiltered(query, standing) && isWithin(query.sort, span, standing)
  )
}

function isFiltered({ categories, minPrice, maxPrice }: ListQuery, { category, price }: Standing): boolean {
  if (categories.length > 0 && (category === null || !categories.includes(category))) return false
  if (minPrice !== null && Number(price) < Number(minPrice)) return false
  return maxPrice === null || Number(price) <= Number(maxPrice)
}

function isWithin({ key }: Sort, [lowest, highest]: Span, standing: Standing): boolean {
  const value = standing[key]
  const compare = comparers[key]
  return (lowest === null || compare(value, lowest) >= 0) && (highest === null || compare(value, highest) <= 0)
}

/** Negative, positive, or 0 for what is equal or unknown. */
const comparers: Readonly<Record<SortKey, (a: string, b: string) => number>> = {
  createdAt: compareText,
  updatedAt: compareText,
  price: (a, b) => Number(a) - Number(b),
  name: compareNames
}

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
