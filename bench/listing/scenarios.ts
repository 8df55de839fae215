import type { Landmarks } from './landmarks.ts'
import { pathOf, type Scenario } from './scenario.ts'
import { countScenarios } from './scenarios/counts.ts'
import { deepPageScenarios } from './scenarios/deep-pages.ts'
import { listScenarios } from './scenarios/lists.ts'
import { searchScenarios } from './scenarios/searches.ts'

/**
 * Creates all scenarios for a catalogue.
 * @param questions the number of questions of each scenario
 * @throws {Error} when two questions are equal: the cache would answer the second one
 */
export function createScenarios(landmarks: Landmarks, questions: number): Scenario[] {
  const scenarios = [listScenarios, deepPageScenarios, searchScenarios, countScenarios].flatMap((make) =>
    make(landmarks)
  )
  const asked = new Map<string, string>()
  for (const scenario of scenarios) {
    for (let number = 0; number < questions; number++) {
      const path = pathOf(scenario, number)
      const other = asked.get(path)
      if (other !== undefined) throw new Error(`“${scenario.name}” and “${other}” have the same question: ${path}`)
      asked.set(path, scenario.name)
    }
  }
  return scenarios
}
