import type { ProductPage } from '../../schemas/products.ts'
import { headerOf, type TimedResponse } from '../load/http-client.ts'
import { count, type Tally } from '../load/tally.ts'
import { chooseFloor } from './choose-floor.ts'
import type { ListingContenders } from './contenders.ts'
import { measuredNumbers, primingNumbers } from './question-numbers.ts'
import { groupOf, pathOf, type Scenario, SORTS } from './scenario.ts'
import type { FloorName } from './sql/floor.ts'

/** The measurements of a scenario: each question goes to both contenders. */
export interface ScenarioMeasurement {
  aisleMs: number[]
  /** The times of the fastest hand-written way. */
  floorMs: number[]
  floor: FloorName
  /** The number of pages of Aisle that are short although the list continues. */
  shortPages: number
  /** The number of questions for which the hand-written SQL timed out. */
  floorTimeouts: number
  /** The slowest question for Aisle, to investigate. */
  slowest: { ms: number; path: string }
  errors: Tally
}

/** A scenario that takes longer gets fewer samples, but each sort at least once. */
const SCENARIO_MS = 60_000

/** Warms both contenders up with questions that are not measured. */
export async function prime(
  contenders: ListingContenders,
  scenarios: readonly Scenario[],
  samples: number
): Promise<void> {
  for (const scenario of scenarios) {
    const group = groupOf(scenario)
    if (group === 'counts') continue
    for (const number of primingNumbers(samples)) {
      await contenders.askAisle(scenario, number)
      const [floor] = scenario.floors
      // The way to search is not chosen yet, and some ways take very long.
      if (group === 'lists' && floor !== undefined) await contenders.askFloor(scenario, floor, number)
    }
  }
}

/** Sends the same questions to both contenders, one at a time, in alternating order. */
export async function measureScenario(
  contenders: ListingContenders,
  scenario: Scenario,
  samples: number
): Promise<ScenarioMeasurement> {
  const { floor, errors } = await chooseFloor(contenders, scenario)
  const measurement: ScenarioMeasurement = {
    aisleMs: [],
    floorMs: [],
    floor,
    shortPages: 0,
    floorTimeouts: 0,
    slowest: { ms: 0, path: '' },
    errors
  }

  async function askAisle(number: number): Promise<void> {
    const answer = await contenders.askAisle(scenario, number)
    const fault = faultOf(answer)
    if (fault !== undefined) return count(errors, fault)
    const ms = answer.micros / 1000
    measurement.aisleMs.push(ms)
    if (ms > measurement.slowest.ms) measurement.slowest = { ms, path: pathOf(scenario, number) }
    if (scenario.resource === 'list' && isShort(answer)) measurement.shortPages++
  }

  async function askFloor(number: number): Promise<void> {
    const { response, micros } = await contenders.askFloor(scenario, floor, number)
    if (response.status === 200) measurement.floorMs.push(micros / 1000)
    // A timeout of the hand-written SQL is a result, not an error.
    else if (response.status === 500) measurement.floorTimeouts++
    else count(errors, `the floor: status ${response.status}`)
  }

  const startedAt = performance.now()
  for (const [sample, number] of measuredNumbers(samples).entries()) {
    if (sample >= SORTS && performance.now() - startedAt > SCENARIO_MS) break
    const turns = [askAisle, askFloor]
    for (const ask of sample % 2 === 0 ? turns : turns.toReversed()) await ask(number)
  }
  return measurement
}

/** Returns the fault of a response: a failure, or an answer from the cache. */
function faultOf({ response }: TimedResponse): string | undefined {
  if (response.status !== 200) return `status ${response.status}`
  const cacheStatus = headerOf(response, 'cache-status')
  return cacheStatus === 'aisle; fwd=miss' ? undefined : `Cache-Status: ${cacheStatus}`
}

function isShort({ response }: TimedResponse): boolean {
  const { data, pagination }: ProductPage = JSON.parse(String(response.body))
  return data.length < pagination.limit && pagination.hasMore
}
