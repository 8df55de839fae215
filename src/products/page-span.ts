import type { Change, Standing } from '../changes/change.ts'
import type { ListQuery } from './list-query.ts'
import type { Sort } from './sort.ts'

/** The sort values between which the rows of a page lie, both included; null where nothing bounds it. */
export type Span = readonly [lowest: string | null, highest: string | null]

/**
 * The span of a page.
 * @param last the sort value of the last row that was read, in the direction of reading, if there may be more behind it:
 * of the row after the page, which only shows that there is one
 */
export function pageSpan({ sort, from }: ListQuery, last: string | null): Span {
  const first = from?.value ?? null
  const isAscending = (sort.order === 'asc') !== (from?.backward === true)
  return isAscending ? [first, last] : [last, first]
}

/**
 * Whether a change of a product may change a page: where the product has stood or stands among the rows of the page and
 * passes its filters. In doubt it may: words are not looked at, nor the order of names, which is that of the database.
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
  if (key === 'name') return true
  const value = standing[key]
  if (key === 'price') {
    return (
      (lowest === null || Number(value) >= Number(lowest)) && (highest === null || Number(value) <= Number(highest))
    )
  }
  return (lowest === null || value >= lowest) && (highest === null || value <= highest)
}
