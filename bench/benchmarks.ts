import { benchSeed } from './seed.ts'

/** Each runs against the configured or private engines, and answers the text of its section of the results. */
export const benchmarks = { seed: benchSeed } as const

export type BenchmarkName = keyof typeof benchmarks

export function isBenchmark(name: string): name is BenchmarkName {
  return Object.hasOwn(benchmarks, name)
}
