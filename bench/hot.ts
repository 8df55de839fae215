import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seedCatalogue } from '../scripts/seed/seed-catalogue.ts'
import type { Config } from '../src/config/config.ts'
import type { BenchmarkContext } from './context.ts'
import { dropDatabase, prepareDatabase } from './database.ts'
import type { ExpectedAnswers } from './hot/answers.ts'
import { type HotContender, startHotContenders } from './hot/contenders.ts'
import { describeHot, type Row } from './hot/describe.ts'
import { measureOnce, measureUndisturbed } from './hot/measure.ts'
import { type PreparedRequest, prepareRequest, type RequestName, requestKinds } from './hot/requests.ts'

const ROWS = 20_000
const SEED = 42
const FULL = { rounds: 7, durationMs: 1000, connections: [1, 64, 256] }
const QUICK = { rounds: 3, durationMs: 1000, connections: [64] }
const WARM_UP = { connections: 16, durationMs: 1500 }

/**
 * Measures cached responses of Aisle, compared with servers that only return the same bytes, and with the same features
 * assembled from packages. Each contender is one process; this process loads one contender at a time.
 * @returns the text of the section of the results
 */
export async function benchHot({ mysql }: Config, { env, isQuick }: BenchmarkContext): Promise<string> {
  const plan = isQuick ? QUICK : FULL
  const database = `aisle_bench_hot_${process.pid}`
  const folder = await mkdtemp(join(tmpdir(), 'aisle-bench-'))
  const contenders: HotContender[] = []
  try {
    const target = await prepareDatabase(mysql, database)
    await seedCatalogue(target, { rows: ROWS, seed: SEED })
    const serverEnv = { ...env, DB_NAME: database, REDIS_KEY_PREFIX: `${database}:` }
    const answers = await startHotContenders(folder, serverEnv, (contender) => contenders.push(contender))

    const rows = await prepareRows(contenders, answers, plan.connections)
    const rssBefore = await residentMemory(contenders)
    for (let round = 0; round < plan.rounds; round++) {
      await runRound(rows, round, plan.durationMs)
      console.error(`round ${round + 1} of ${plan.rounds}`)
    }
    return describeHot({ ...plan, answers, rows, rssBefore, rssAfter: await residentMemory(contenders) })
  } finally {
    for (const { server } of contenders) await server.stop()
    await dropDatabase(mysql, database)
    await rm(folder, { recursive: true })
  }
}

/** Sends every kind of request to every contender, checks the responses, and warms the contender up. */
async function prepareRows(
  contenders: readonly HotContender[],
  answers: ExpectedAnswers,
  connections: readonly number[]
) {
  const rows: Row[] = []
  for (const name of Object.keys(requestKinds) as RequestName[]) {
    const prepared: [HotContender, PreparedRequest | Error][] = []
    for (const contender of contenders) {
      const request = await prepareRequest(contender.server.port, name, answers).catch((error: Error) => error)
      if (request instanceof Error) console.error(`${contender.name} fails ${name}: ${request.message}`)
      else await measureOnce(contender, request, WARM_UP.connections, WARM_UP.durationMs)
      prepared.push([contender, request])
    }
    for (const count of connections) {
      const cells = prepared.map(([contender, request]) => ({ contender, request, measurements: [] }))
      rows.push({ name, connections: count, cells })
    }
  }
  return rows
}

/** Measures the contenders of each row directly after each other, in alternating order. */
async function runRound(rows: readonly Row[], round: number, durationMs: number): Promise<void> {
  for (const [index, { cells, connections }] of rows.entries()) {
    for (const { contender, request, measurements } of (round + index) % 2 === 0 ? cells : cells.toReversed()) {
      if (request instanceof Error) continue
      measurements.push(await measureUndisturbed(contender, request, connections, durationMs))
    }
  }
}

async function residentMemory(contenders: readonly HotContender[]): Promise<number[]> {
  return await Promise.all(contenders.map(async ({ server }) => (await server.usage()).rssBytes))
}
