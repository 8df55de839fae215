import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { TokenError } from '../src/integrations/oauth/token-provider.ts'
import { openSupplierForCommand } from '../src/integrations/supplier/open-supplier.ts'
import type { ItemRefusal } from '../src/integrations/supplier/sync/read-item.ts'
import {
  FeedError,
  SyncRunningError,
  type SyncSummary,
  syncProducts
} from '../src/integrations/supplier/sync/sync-products.ts'
import { UpstreamError } from '../src/integrations/upstream/upstream-error.ts'
import { ReadableError } from '../tools/readable-error.ts'
import { readCommandLine } from './command-line.ts'
import { demoSupplierVariables, hasDemoSupplier } from './demo-supplier.ts'
import { type CommandEnvironment, prepareEnvironment } from './environment.ts'
import { createInterruptSignal } from './interrupt-signal.ts'
import { describeWork, formatNumber, startProgress } from './progress.ts'
import { runOnCatalogue } from './run-command.ts'

const USAGE = `npm run sync -- [--full] [--dry-run]

  --full     reads the feed from its beginning instead of continuing after the last run
  --dry-run  reports what would be done, and changes nothing

Copies what changed at the supplier (EXTERNAL_API_BASE_URL) into the catalogue. For each field the last writer wins. A sync
may be stopped at any time; the next one continues. Invalid items are skipped and reported on standard error, and the exit
status is 1.`

const REFUSED_STATUS = 1

const { full: isFull, 'dry-run': isDryRun } = readCommandLine(USAGE, readOptions)

await runOnCatalogue(async (config, environment) => {
  const { baseUrl } = config.supplier
  if (baseUrl === null) throw noSupplier(hasDemoSupplier(environment))

  const startedAt = performance.now()
  const supplier = await openSupplierForCommand(baseUrl, config)
  const progress = startProgress()
  const signal = createInterruptSignal()
  try {
    const summary = await syncProducts(config.mysql, {
      client: supplier.client,
      source: baseUrl,
      isFull,
      isDryRun,
      sources: { nowMs: Date.now, randomBytes },
      signal,
      onRefusal: (refusal) => progress.log(describeRefusal(refusal)),
      onRetry: ({ message }) => progress.log(`${message}: trying again`),
      onProgress: (itemsRead) => progress.update(null, itemsRead)
    }).finally(progress.stop)
    console.log(`${describeSummary(summary)}: ${describeWork(summary.read, startedAt)}`)
    return summary.refused > 0 ? REFUSED_STATUS : 0
  } catch (error) {
    signal.throwIfAborted()
    throw toReadable(error)
  } finally {
    await supplier.close()
  }
}, prepareWithDemoSupplier)

/** Adds the settings of the supplier that a running `npm start` provides, if there is one. */
async function prepareWithDemoSupplier(): Promise<CommandEnvironment> {
  const environment = await prepareEnvironment()
  const variables = hasDemoSupplier(environment) ? demoSupplierVariables() : {}
  return { ...environment, env: { ...environment.env, ...variables } }
}

function readOptions() {
  const options = { full: { type: 'boolean', default: false }, 'dry-run': { type: 'boolean', default: false } } as const
  return parseArgs({ options }).values
}

function noSupplier(isDemo: boolean): ReadableError {
  const demo = isDemo ? ' Or keep `npm start` running: its demo has a supplier.' : ''
  return new ReadableError(`No supplier is configured: set EXTERNAL_API_BASE_URL.${demo}`)
}

function toReadable(error: unknown): unknown {
  if (error instanceof SyncRunningError || error instanceof FeedError) return new ReadableError(error.message)
  if (!(error instanceof UpstreamError || error instanceof TokenError)) return error
  return new ReadableError(`${error.message}. Pages that were applied are kept: run the command again to continue.`)
}

function describeRefusal({ sku, detail }: ItemRefusal): string {
  return `${sku === null ? 'an item without a sku' : `sku ${sku}`}: ${detail}`
}

function describeSummary({ read, ...counts }: SyncSummary): string {
  const done = Object.entries(counts).map(([what, count]) => `${formatNumber(count)} ${what}`)
  return `${isDryRun ? 'Nothing was written. ' : ''}${formatNumber(read)} items: ${done.join(', ')}`
}
