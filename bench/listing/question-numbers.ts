import { SORTS } from './scenario.ts'

/** Questions by which the ways to write a scenario are compared: each sort once, and each time another limit. */
export const TRIAL_NUMBERS: readonly number[] = Array.from({ length: SORTS }, (_, index) => index * (SORTS + 1))

/** With which no scenario is measured. */
const PRIMING_NUMBERS = 16

/** The questions that are measured, the first ones of which have each sort once. */
export function measuredNumbers(samples: number): number[] {
  return Array.from({ length: samples + TRIAL_NUMBERS.length }, (_, number) => number)
    .filter((number) => !TRIAL_NUMBERS.includes(number))
    .slice(0, samples)
}

/** Questions for servers to get warm. */
export function primingNumbers(samples: number): number[] {
  const first = Math.max(...TRIAL_NUMBERS, ...measuredNumbers(samples)) + 1
  return Array.from({ length: PRIMING_NUMBERS }, (_, index) => first + index)
}

/** How many questions of a scenario there are in all. */
export function countQuestions(samples: number): number {
  return Math.max(...primingNumbers(samples)) + 1
}
