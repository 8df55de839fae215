import { benchBulk } from './bulk.ts'
import { benchHot } from './hot.ts'
import { benchListing } from './listing.ts'
import { benchMixed } from './mixed.ts'
import { benchSeed } from './seed.ts'
import { benchUpstream } from './upstream.ts'
import { benchWebhooks } from './webhooks.ts'

export interface BenchmarkContext {
  /** To start servers with: the process's variables with the addresses of the engines. */
  env: Readonly<Record<string, string | undefined>>
  /** A shorter run to see that all is well; its numbers are not for keeping. */
  isQuick: boolean
  /** How many products the catalogues have, where somebody has chosen; `listing` alone has a choice. */
  sizes?: readonly number[]
}

/** Each runs against the configured or private engines, and answers the text of its section of the results. */
export const benchmarks = {
  bulk: benchBulk,
  hot: benchHot,
  listing: benchListing,
  mixed: benchMixed,
  seed: benchSeed,
  upstream: benchUpstream,
  webhooks: benchWebhooks
} as const

export type BenchmarkName = keyof typeof benchmarks

export function isBenchmark(name: string): name is BenchmarkName {
  return Object.hasOwn(benchmarks, name)
}
