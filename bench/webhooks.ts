import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import type { Config } from '../src/config/config.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'
import { openPool } from '../src/platform/database/pool.ts'
import type { BenchmarkContext } from './context.ts'
import { dropDatabase, prepareDatabase } from './database.ts'
import { runClosedLoop } from './load/closed-loop.ts'
import { ask } from './load/http-client.ts'
import { runOpenLoop } from './load/open-loop.ts'
import { addAll, count, type Tally } from './load/tally.ts'
import { type ServerUnderTest, startAisle } from './server-under-test.ts'
import { fillInbox, runBareInserts } from './webhooks/bare-inserts.ts'
import { nextDelivery, SECRET, toRequest } from './webhooks/deliveries.ts'
import { type AcknowledgementRound, describeWebhooks, type WorkRound } from './webhooks/describe.ts'

const FULL = { rounds: 7, durationMs: 3000, workRounds: 3, events: 20_000, rate: 200, rateMs: 15_000 }
const QUICK = { rounds: 3, durationMs: 1500, workRounds: 1, events: 5000, rate: 200, rateMs: 4000 }
const CONNECTIONS = 64
/** The default of a service. */
const POOL_CONNECTIONS = 10
/** More than a worker applies. */
const BUSY_EVENTS_PER_SECOND = 10_000
const WORK_TIMEOUT_MS = 120_000

/**
 * Measures how fast deliveries are acknowledged compared with a bare loop of the same INSERT, how fast the worker applies
 * events, and the latency of acknowledgements meanwhile.
 * @returns the text of the section of the results
 */
export async function benchWebhooks({ mysql: config }: Config, { env, isQuick }: BenchmarkContext): Promise<string> {
  const plan = isQuick ? QUICK : FULL
  const database = `aisle_bench_webhooks_${process.pid}`
  const folder = await mkdtemp(join(tmpdir(), 'aisle-bench-'))
  const target = await prepareDatabase(config, database)
  const connection = await mysql.createConnection(connectionOptions(target))
  const limits = { connectionLimit: POOL_CONNECTIONS, queueLimit: 0, queryTimeoutMs: 60_000 }
  const pool = openPool(target, limits)
  const start = (isWorkerEnabled: boolean) =>
    startAisle({
      env: {
        ...env,
        DB_NAME: database,
        DB_CONNECTION_LIMIT: String(POOL_CONNECTIONS),
        REDIS_KEY_PREFIX: `${database}:`,
        WEBHOOK_SECRET: SECRET,
        WEBHOOK_WORKER: String(isWorkerEnabled)
      },
      logFile: join(folder, 'aisle.log')
    })
  const errors: Tally = new Map()

  try {
    const rounds: AcknowledgementRound[] = []
    await using(await start(false), async (aisle) => {
      await acknowledge(aisle, plan.durationMs)
      await runBareInserts(pool, POOL_CONNECTIONS, plan.durationMs)
      while (rounds.length < plan.rounds) {
        const bareFirst = rounds.length % 2 === 0
        const before = bareFirst ? await runBareInserts(pool, POOL_CONNECTIONS, plan.durationMs) : undefined
        const acknowledged = await acknowledge(aisle, plan.durationMs)
        addAll(errors, acknowledged.errors)
        const insertsPerSecond = before ?? (await runBareInserts(pool, POOL_CONNECTIONS, plan.durationMs))
        rounds.push({ ...acknowledged, insertsPerSecond })
        console.error(`round ${rounds.length} of ${plan.rounds}`)
      }
    })
    const workRounds: WorkRound[] = []
    while (workRounds.length < plan.workRounds) {
      await connection.query('TRUNCATE TABLE webhook_events')
      await fillInbox(connection, plan.events)
      const processedPerSecond = await using(await start(true), () => measureWork(connection))
      await connection.query('TRUNCATE TABLE webhook_events')
      await fillInbox(connection, (plan.rateMs / 1000) * BUSY_EVENTS_PER_SECOND)
      const busy = await using(await start(true), async (aisle) => {
        const steady = await acknowledgeSteadily(aisle, plan.rate, plan.rateMs)
        addAll(errors, steady.errors)
        return { ...steady, pendingAfter: await countPending(connection) }
      })
      workRounds.push({ processedPerSecond, ...busy })
      console.error(`round ${workRounds.length} of ${plan.workRounds} with the worker`)
    }
    return describeWebhooks({
      ...plan,
      connections: CONNECTIONS,
      poolConnections: POOL_CONNECTIONS,
      rounds,
      workRounds,
      errors
    })
  } finally {
    pool.end()
    await connection.end()
    await dropDatabase(config, database)
    await rm(folder, { recursive: true })
  }
}

/** Sends deliveries as fast as they are acknowledged, one at a time on each connection. */
async function acknowledge(aisle: ServerUnderTest, durationMs: number) {
  const expected = await ask(aisle.port, toRequest(nextDelivery()))
  const before = await aisle.usage()
  const { answers, answersPerSecond, latencyMicros, errors } = await runClosedLoop({
    port: aisle.port,
    nextRequest: () => toRequest(nextDelivery()),
    connections: CONNECTIONS,
    durationMs,
    expected,
    isSameBody: false
  })
  const cpuMicros = ((await aisle.usage()).cpuMicros - before.cpuMicros) / answers
  return { answersPerSecond, p99Micros: latencyMicros.percentile(99), cpuMicros, errors }
}

/** Sends deliveries at a fixed rate. */
async function acknowledgeSteadily({ port }: ServerUnderTest, rate: number, durationMs: number) {
  const latencyMicros = createHistogram()
  const errors: Tally = new Map()
  const result = await runOpenLoop({
    port,
    rate,
    durationMs,
    nextRequest: () => toRequest(nextDelivery()),
    onResponse({ status }, micros) {
      if (status === 200) latencyMicros.record(Math.max(1, Math.round(micros)))
      else count(errors, `status ${status}`)
    }
  })
  addAll(errors, result.errors)
  return { latencyMicros, delayMicros: result.delayMicros, errors }
}

/** Waits until the worker is done, and returns events per second between its first and last commit. */
async function measureWork(connection: Connection): Promise<number> {
  const deadline = performance.now() + WORK_TIMEOUT_MS
  while ((await countPending(connection)) > 0) {
    if (performance.now() > deadline) throw new Error('the worker did not finish in time')
    await wait(50)
  }
  const [[work]] = await connection.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS events, TIMESTAMPDIFF(MICROSECOND, MIN(finished_at), MAX(finished_at)) / 1000000 AS seconds
     FROM webhook_events WHERE status IN ('done', 'stale')`
  )
  return work?.events / work?.seconds
}

async function countPending(connection: Connection): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS events FROM webhook_events WHERE status IN ('pending', 'processing')"
  )
  return row?.events
}

async function using<T>(aisle: ServerUnderTest, work: (aisle: ServerUnderTest) => Promise<T>): Promise<T> {
  try {
    return await work(aisle)
  } finally {
    await aisle.stop()
  }
}
