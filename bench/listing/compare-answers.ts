import { isDeepStrictEqual } from 'node:util'
import type { Facets } from '../../schemas/facets.ts'
import type { ProductPage } from '../../schemas/products.ts'
import type { HttpResponse } from '../load/http-client.ts'
import type { Scenario } from './scenario.ts'

/**
 * Describes how a response of Aisle differs from that of the floor. Ignores failed responses, estimates, and the missing
 * rows of a short page.
 */
export function compareAnswers({ resource }: Scenario, aisle: HttpResponse, floor: HttpResponse): string | undefined {
  if (aisle.status !== 200 || floor.status !== 200) return undefined
  return resource === 'list' ? comparePages(read(aisle), read(floor)) : compareFacets(read(aisle), read(floor))
}

function comparePages(aisle: ProductPage, floor: ProductPage): string | undefined {
  const others = aisle.pagination.hasMore ? floor.data.slice(0, aisle.data.length) : floor.data
  if (!isDeepStrictEqual(aisle.data, others)) return 'other products'
  const { total, totalIsExact } = aisle.pagination
  if (totalIsExact && floor.pagination.total !== undefined && total !== floor.pagination.total) return 'another total'
  return undefined
}

function compareFacets(aisle: Facets, floor: Facets): string | undefined {
  if (!aisle.isExact) return undefined
  const isSame =
    isDeepStrictEqual(byCategory(aisle), byCategory(floor)) && isDeepStrictEqual(aisle.data.prices, floor.data.prices)
  return isSame ? undefined : 'other counts'
}

/** Returns counts by category: categories with the same count have no defined order. */
function byCategory({ data }: Facets): Map<string, number> {
  return new Map(data.categories.map(({ value, count }) => [value, count]))
}

function read<T>({ body }: HttpResponse): T {
  return JSON.parse(String(body))
}
