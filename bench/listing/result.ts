import type { Examination } from './examine.ts'
import type { ScenarioMeasurement } from './measure.ts'
import type { NaiveTimes } from './measure-naive.ts'
import type { Scenario } from './scenario.ts'

/** All about one scenario in a catalogue of one size. */
export interface ScenarioResult extends ScenarioMeasurement {
  scenario: Scenario
  examination: Examination
  naive: NaiveTimes
}

export interface SizeResult {
  rows: number
  /** Which page the deep ones are. */
  deepPage: number
  results: readonly ScenarioResult[]
}
