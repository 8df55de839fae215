import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../src/config/config.ts'
import type { BenchmarkContext } from './context.ts'
import { CATALOGUE_SEED, fillCatalogue, prepareDatabase } from './database.ts'
import { ask, encodeRequest } from './load/http-client.ts'
import { addAll, count, type Tally } from './load/tally.ts'
import { describeMixed, type Round } from './mixed/describe.ts'
import { queryPath } from './mixed/queries.ts'
import { HOT_QUERIES, runTraffic } from './mixed/traffic.ts'
import type { WriterReport } from './mixed/writer.ts'
import { startAisle } from './server-under-test.ts'

const FULL = { rows: 1_000_000, rate: 500, rounds: 5, hotMs: 10_000, mixedMs: 20_000 }
const QUICK = { rows: 50_000, rate: 500, rounds: 2, hotMs: 3000, mixedMs: 5000 }
const COLD_SHARE = 0.1
const WRITES_PER_SECOND = 50
const WARM_UP_CONNECTIONS = 4
const WRITER = join(import.meta.dirname, 'mixed/writer.ts')

type Env = Readonly<Record<string, string | undefined>>

/**
 * Measures the latency of lists under a steady load while products change, separately for cache hits and misses. Aisle,
 * this client and the writer are one process each. The next run reuses the database.
 * @returns the text of the section of the results
 */
export async function benchMixed({ mysql: config }: Config, { env, isQuick }: BenchmarkContext): Promise<string> {
  const plan = isQuick ? QUICK : FULL
  const database = `aisle_bench_mixed_${plan.rows}`
  await fillCatalogue(await prepareDatabase(config, database), plan.rows)

  const folder = await mkdtemp(join(tmpdir(), 'aisle-bench-'))
  const serverEnv = { ...env, DB_NAME: database, REDIS_KEY_PREFIX: `${database}:${process.pid}:` }
  const aisle = await startAisle({ env: serverEnv, logFile: join(folder, 'aisle.log') })
  try {
    const { port } = aisle
    const load = { port, rate: plan.rate }
    const warmUpErrors = await askEverything(port)
    const rssWarm = (await aisle.usage()).rssBytes
    const rounds: Round[] = []
    while (rounds.length < plan.rounds) {
      const hot = await runTraffic({ ...load, durationMs: plan.hotMs, coldShare: 0 })
      const writer = startWriter(serverEnv, plan.rows)
      const mixed = await runTraffic({ ...load, durationMs: plan.mixedMs, coldShare: COLD_SHARE })
      rounds.push({ hot, mixed, written: await writer.stop() })
      addAll(warmUpErrors, await askEverything(port))
      console.error(`round ${rounds.length} of ${plan.rounds}`)
    }
    const rssAfter = (await aisle.usage()).rssBytes
    return describeMixed({ ...plan, warmUpErrors, rounds, rss: [rssWarm, rssAfter] })
  } finally {
    await aisle.stop()
    await rm(folder, { recursive: true })
  }
}

/** Sends each hot query once, so that its list is cached. */
async function askEverything(port: number): Promise<Tally> {
  const errors: Tally = new Map()
  const queries = Array.from({ length: HOT_QUERIES }, (_, index) => queryPath(index)).values()
  const work = async () => {
    for (const path of queries) {
      const { status } = await ask(port, encodeRequest(path))
      if (status !== 200) count(errors, `status ${status}`)
    }
  }
  await Promise.all(Array.from({ length: WARM_UP_CONNECTIONS }, work))
  return errors
}

function startWriter(env: Env, rows: number) {
  const child = fork(WRITER, [rows, CATALOGUE_SEED, WRITES_PER_SECOND].map(String), { env })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the writer ended with status ${code}`)
  })
  ended.catch(() => {})
  return {
    async stop(): Promise<WriterReport> {
      child.send('stop')
      const [report] = await Promise.race([once(child, 'message'), ended])
      return report
    }
  }
}
