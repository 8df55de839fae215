import { isDeepStrictEqual } from 'node:util'
import type { Facets } from '../../schemas/facets.ts'
import type { ProductPage } from '../../schemas/products.ts'
import type { HttpResponse } from '../load/http-client.ts'
import { count, type Tally } from '../load/tally.ts'
import { median } from '../results.ts'
import type { ListingContenders } from './contenders.ts'
import { TRIAL_NUMBERS } from './question-numbers.ts'
import type { Scenario } from './scenario.ts'
import type { FloorName } from './sql/floor.ts'

/** A way that takes so many times as long as the fastest one, and longer than HOPELESS_MS, is not tried again. */
const HOPELESS = 20
const HOPELESS_MS = 1000

/**
 * Tries every hand-written way to answer a scenario, and returns the fastest one. Each must find the same as Aisle;
 * differences and failed responses of Aisle are counted as errors.
 */
export async function chooseFloor(
  contenders: ListingContenders,
  scenario: Scenario
): Promise<{ floor: FloorName; errors: Tally }> {
  const errors: Tally = new Map()
  const trials = new Map(scenario.floors.map((name): [FloorName, number[]] => [name, []]))
  for (const number of TRIAL_NUMBERS) {
    const { response } = await contenders.askAisle(scenario, number)
    if (response.status !== 200) count(errors, `status ${response.status}`)
    for (const [name, times] of trials) {
      const floor = await contenders.askFloor(scenario, name, number)
      times.push(floor.response.status === 200 ? floor.micros / 1000 : Number.POSITIVE_INFINITY)
      const difference = compareAnswers(scenario, response, floor.response)
      if (difference !== undefined) count(errors, `${difference} than by ${name}`)
    }
    removeHopeless(trials)
  }
  const [fastest] = [...trials].sort(([, a], [, b]) => median(a) - median(b))
  if (fastest === undefined) throw new Error(`“${scenario.name}” has no hand-written SQL`)
  return { floor: fastest[0], errors }
}

function removeHopeless(trials: Map<FloorName, number[]>): void {
  const best = Math.min(...trials.values().map(median))
  for (const [name, times] of trials) {
    if (median(times) > Math.max(best * HOPELESS, HOPELESS_MS)) trials.delete(name)
  }
}

/**
 * Describes how a response of Aisle differs from that of the floor. Ignores failed responses, estimates, and the missing
 * rows of a short page.
 */
function compareAnswers({ resource }: Scenario, aisle: HttpResponse, floor: HttpResponse): string | undefined {
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
