import { SORTS } from './scenario.ts'

/** The questions that compare the hand-written ways: each sort once, each with another limit. */
export const TRIAL_NUMBERS: readonly number[] = Array.from({ length: SORTS }, (_, index) => index * (SORTS + 1))

/** The number of questions for the warm-up. */
const PRIMING_NUMBERS = 16

/** Returns the questions to measure; the first ones have each sort once. */
export function measuredNumbers(samples: number): number[] {
  return Array.from({ length: samples + TRIAL_NUMBERS.length }, (_, number) => number)
    .filter((number) => !TRIAL_NUMBERS.includes(number))
    .slice(0, samples)
}

/** Returns the questions for the warm-up, none of which is measured. */
export function primingNumbers(samples: number): number[] {
  const first = Math.max(...TRIAL_NUMBERS, ...measuredNumbers(samples)) + 1
  return Array.from({ length: PRIMING_NUMBERS }, (_, index) => first + index)
}

/** Returns the number of all questions of a scenario. */
export function countQuestions(samples: number): number {
  return Math.max(...primingNumbers(samples)) + 1
}
