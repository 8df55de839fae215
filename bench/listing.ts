import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import type { Config, MysqlConfig } from '../src/config/config.ts'
import { connectionOptions, sessionStatement } from '../src/platform/database/connection-options.ts'
import type { BenchmarkContext } from './context.ts'
import { fillCatalogue, prepareDatabase } from './database.ts'
import { startListingContenders } from './listing/contenders.ts'
import { describeListing } from './listing/describe.ts'
import { createExaminer } from './listing/examine.ts'
import { findLandmarks } from './listing/landmarks.ts'
import { measureScenario, prime } from './listing/measure.ts'
import { measureNaive, NAIVE_LIMIT_MS } from './listing/measure-naive.ts'
import { countQuestions } from './listing/question-numbers.ts'
import type { SizeResult } from './listing/result.ts'
import type { Scenario } from './listing/scenario.ts'
import { createScenarios } from './listing/scenarios.ts'

/** `samples` is the number of measured questions per scenario. */
const FULL = { sizes: [100_000, 1_000_000], samples: 64 }
const QUICK = { sizes: [100_000], samples: 24 }

type Env = BenchmarkContext['env']

/**
 * Measures lists, searches, totals and facets that no cache can answer, compared with hand-written SQL behind a bare
 * server and with naive SQL. The next run reuses the databases.
 * @returns the text of the section of the results
 */
export async function benchListing({ mysql: config }: Config, context: BenchmarkContext): Promise<string> {
  const plan = context.isQuick ? QUICK : FULL
  const results: SizeResult[] = []
  for (const rows of context.sizes ?? plan.sizes) {
    const database = `aisle_bench_listing_${rows}`
    const target = await prepareDatabase(config, database)
    await fillCatalogue(target, rows)
    const env = { ...context.env, DB_NAME: database, REDIS_KEY_PREFIX: `${database}:${process.pid}:` }
    results.push(await measureSize(target, env, rows, plan))
  }
  return describeListing(results, plan.samples)
}

async function measureSize(config: MysqlConfig, env: Env, rows: number, plan: typeof FULL): Promise<SizeResult> {
  const connection = await mysql.createConnection(connectionOptions(config))
  const folder = await mkdtemp(join(tmpdir(), 'aisle-bench-'))
  try {
    await connection.query(sessionStatement(NAIVE_LIMIT_MS))
    const landmarks = await findLandmarks(connection, rows)
    const scenarios = createScenarios(landmarks, countQuestions(plan.samples))
    const measured = await measureAll(scenarios, folder, env, plan.samples)
    const examine = await createExaminer(connection)
    const examined = await Array.fromAsync(measured, async (result) => ({
      ...result,
      examination: await examine(result.scenario, plan.samples)
    }))
    // Naive statements come last: they fill the buffer pool with pages that the others do not need.
    const results = await Array.fromAsync(examined, async (result) => ({
      ...result,
      naive: await measureNaive(connection, result.scenario, landmarks)
    }))
    return { rows, deepPage: landmarks.deepPage, results }
  } finally {
    await connection.end()
    await rm(folder, { recursive: true })
  }
}

async function measureAll(scenarios: readonly Scenario[], folder: string, env: Env, samples: number) {
  const contenders = await startListingContenders(folder, env, scenarios, countQuestions(samples))
  try {
    await prime(contenders, scenarios, samples)
    return await Array.fromAsync(scenarios, async (scenario) => {
      const measurement = await measureScenario(contenders, scenario, samples)
      const { ms, path } = measurement.slowest
      console.error(`${scenario.name}: at most ${ms.toFixed(1)} ms, for ${path}`)
      return { scenario, ...measurement }
    })
  } finally {
    await contenders.stop()
  }
}
