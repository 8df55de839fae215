import type { ProductPage } from '../../schemas/products.ts'
import { headerOf, type TimedResponse } from '../load/http-client.ts'
import { count, type Tally } from '../load/tally.ts'
import { chooseFloor } from './choose-floor.ts'
import type { ListingContenders } from './contenders.ts'
import { measuredNumbers, primingNumbers } from './question-numbers.ts'
import { groupOf, pathOf, type Scenario, SORTS } from './scenario.ts'
import type { FloorName } from './sql/floor.ts'

/** What the questions of a scenario took, each asked of both. */
export interface ScenarioMeasurement {
  aisleMs: number[]
  /** By the fastest way to write it. */
  floorMs: number[]
  floor: FloorName
  /** Pages of Aisle that have less than was asked for, though the list goes on. */
  shortPages: number
  /** Questions for which the hand-written SQL took longer than it may. */
  floorGivenUp: number
  /** Of Aisle, for whoever looks into it. */
  slowest: { ms: number; path: string }
  errors: Tally
}

/** A scenario that takes longer has fewer samples, but each sort once. */
const SCENARIO_MS = 60_000

/** Asks both contenders what is not measured: a program is slow at first. */
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
      // Searches may take long, by a way that was not chosen yet.
      if (group === 'lists' && floor !== undefined) await contenders.askFloor(scenario, floor, number)
    }
  }
}

/** Asks both contenders the same questions in turns, one question at a time. */
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
    floorGivenUp: 0,
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
    // What takes longer than it may: that is its fault, not an error.
    else if (response.status === 500) measurement.floorGivenUp++
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

/** An answer that comes from a cache is one. */
function faultOf({ response }: TimedResponse): string | undefined {
  if (response.status !== 200) return `status ${response.status}`
  const cacheStatus = headerOf(response, 'cache-status')
  return cacheStatus === 'aisle; fwd=miss' ? undefined : `Cache-Status: ${cacheStatus}`
}

function isShort({ response }: TimedResponse): boolean {
  const { data, pagination }: ProductPage = JSON.parse(String(response.body))
  return data.length < pagination.limit && pagination.hasMore
}
