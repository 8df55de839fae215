import type { Examination } from './examine.ts'
import type { ScenarioMeasurement } from './measure.ts'
import type { NaiveTimes } from './measure-naive.ts'
import type { Scenario } from './scenario.ts'

/** All results of one scenario for one catalogue size. */
export interface ScenarioResult extends ScenarioMeasurement {
  scenario: Scenario
  examination: Examination
  naive: NaiveTimes
}

/** The results of all scenarios for one catalogue size. */
export interface SizeResult {
  rows: number
  /** The number of the deep page. */
  deepPage: number
  results: readonly ScenarioResult[]
}
