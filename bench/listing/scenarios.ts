import type { Landmarks } from './landmarks.ts'
import { pathOf, type Scenario } from './scenario.ts'
import { countScenarios } from './scenarios/counts.ts'
import { deepPageScenarios } from './scenarios/deep-pages.ts'
import { listScenarios } from './scenarios/lists.ts'
import { searchScenarios } from './scenarios/searches.ts'

/**
 * All scenarios of a catalogue.
 * @param questions how many of each are going to be asked
 * @throws when two of the questions are the same, of which the second would be answered from a cache
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
      if (other !== undefined) throw new Error(`“${scenario.name}” asks again what “${other}” has asked: ${path}`)
      asked.set(path, scenario.name)
    }
  }
  return scenarios
}
