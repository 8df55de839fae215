import { benchBulk } from './bulk.ts'
import { benchHot } from './hot.ts'
import { benchListing } from './listing.ts'
import { benchMixed } from './mixed.ts'
import { benchSeed } from './seed.ts'
import { benchUpstream } from './upstream.ts'
import { benchWebhooks } from './webhooks.ts'

/** The benchmarks by name. Each one runs on the given engines and returns the Markdown of its section of the results. */
export const benchmarks = {
  bulk: benchBulk,
  hot: benchHot,
  listing: benchListing,
  mixed: benchMixed,
  seed: benchSeed,
  upstream: benchUpstream,
  webhooks: benchWebhooks
} as const

/** The name of a benchmark. */
export type BenchmarkName = keyof typeof benchmarks

/** Checks that a benchmark has this name. */
export function isBenchmark(name: string): name is BenchmarkName {
  return Object.hasOwn(benchmarks, name)
}
