import type { PriceFacet } from '../../../../schemas/facets.ts'
import type { Filters } from '../query/filters.ts'

/** Where each price band but the first one begins: 1, 2, 5, 10, 20, 50 and so on. Prices have two decimals. */
export const BANDS: readonly string[] = Array.from({ length: 8 }, (_, power) => 10 ** power).flatMap((unit) =>
  [1, 2, 5].map((step) => String(step * unit))
)
const starts = BANDS.map(Number)
const LOWEST = 0
const HIGHEST_CENTS = 9_999_999_999

/** The band of a price: how many of the beginnings it has reached, as `INTERVAL` of SQL has it. */
export function bandOf(price: number): number {
  const next = starts.findIndex((start) => price < start)
  return next === -1 ? starts.length : next
}

/** The bands that have products, ascending, as price ranges to filter by. */
export function toPriceRanges(countByBand: ReadonlyMap<number, number>, { minPrice, maxPrice }: Filters): PriceFacet[] {
  return [...countByBand]
    .sort(([a], [b]) => a - b)
    .map(([band, count]) => {
      const next = starts[band]
      const [from, to] = [(starts[band - 1] ?? LOWEST) * 100, next === undefined ? HIGHEST_CENTS : next * 100 - 1]
      return {
        from: toPrice(Math.max(from, toCents(minPrice) ?? from)),
        to: toPrice(Math.min(to, toCents(maxPrice) ?? to)),
        count: Math.round(count)
      }
    })
}

function toCents(price: string | null): number | null {
  return price === null ? null : Math.round(Number(price) * 100)
}

function toPrice(cents: number): string {
  return (cents / 100).toFixed(2)
}
