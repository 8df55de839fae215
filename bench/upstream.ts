import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import { Agent, request } from 'undici'
import type { Config } from '../src/config/config.ts'
import { createCircuitBreaker } from '../src/integrations/upstream/circuit-breaker.ts'
import {
  createUpstreamClient,
  type TokenSource,
  type UpstreamClient
} from '../src/integrations/upstream/upstream-client.ts'
import type { BenchmarkContext } from './context.ts'
import { markdownTable, median } from './results.ts'
import { type ServerUnderTest, startServer } from './server-under-test.ts'

const IN_FLIGHT = 64
const FULL = { rounds: 9, calls: 20_000 }
const QUICK = { rounds: 3, calls: 5000 }
const WARM_UP_CALLS = 5000
const OUTAGE_CALLS = 1000
const REFUSED_CALLS = 2000

const SUPPLIER = join(import.meta.dirname, 'upstream/supplier.ts')
const BARE = 'bare undici'
const PIPELINE = 'the pipeline'

const Availability = Type.Object({ sku: Type.String(), available: Type.Integer(), updatedAt: Type.String() })
const nowMs = () => performance.now()

interface Cost {
  wallMicros: number
  cpuMicros: number
}

/**
 * Measures the upstream client compared with undici alone, which reads and parses the same responses over the same pool;
 * how fast an open breaker refuses; and how many attempts reach an upstream that always fails.
 * @returns the text of the section of the results
 */
export async function benchUpstream(_: Config, { env, isQuick }: BenchmarkContext): Promise<string> {
  const plan = isQuick ? QUICK : FULL
  const folder = await mkdtemp(join(tmpdir(), 'aisle-bench-'))
  const dispatcher = new Agent({ connections: IN_FLIGHT, pipelining: 1, allowH2: false })
  let supplier: ServerUnderTest | undefined
  try {
    supplier = await startServer(SUPPLIER, { env, logFile: join(folder, 'supplier.log') })
    const origin = `http://127.0.0.1:${supplier.port}`
    const client = makeClient(origin, dispatcher, 5)
    const tokens = { get: async () => 'token', invalidate: async () => {} }
    const call = { path: ['availability', 'SKU-1'], response: Availability }
    const contenders: Record<string, () => Promise<unknown>> = {
      [BARE]: async () => (await request(`${origin}/availability/SKU-1`, { dispatcher })).body.json(),
      [PIPELINE]: () => client.request(call),
      [`${PIPELINE}, with a token`]: (() => {
        const authorized = makeClient(origin, dispatcher, 5, tokens)
        return () => authorized.request(call)
      })()
    }
    const rounds = await measureRounds(contenders, plan)
    return [
      describeRounds(rounds, plan),
      await describeRefusals(makeClient(origin, dispatcher, 5)),
      await describeOutage(
        makeClient(origin, dispatcher, 5),
        makeClient(origin, dispatcher, Number.MAX_SAFE_INTEGER),
        async () => Number(await (await request(`${origin}/attempts`, { dispatcher })).body.text())
      )
    ].join('\n\n')
  } finally {
    await dispatcher.destroy()
    await supplier?.stop()
    await rm(folder, { recursive: true })
  }
}

interface MeasuredClient extends UpstreamClient {
  breaker: ReturnType<typeof createCircuitBreaker>
}

function makeClient(baseUrl: string, dispatcher: Agent, threshold: number, tokens?: TokenSource): MeasuredClient {
  const random = Math.random
  const breaker = createCircuitBreaker({ name: 'Supplier', threshold, resetTimeoutMs: 60_000, nowMs, random })
  const client = createUpstreamClient({
    baseUrl,
    dispatcher,
    breaker,
    tokens,
    attemptTimeoutMs: 2000,
    attempts: 3,
    retryDelayMs: 1,
    deadlineMs: 10_000,
    maxConcurrent: IN_FLIGHT,
    maxWaiting: IN_FLIGHT,
    nowMs,
    random
  })
  return { ...client, breaker }
}

/** Measures the contenders directly after each other, in alternating order. */
async function measureRounds(contenders: Record<string, () => Promise<unknown>>, plan: typeof FULL) {
  const rounds: Record<string, Cost>[] = []
  for (const work of Object.values(contenders)) await measure(work, WARM_UP_CALLS)
  while (rounds.length < plan.rounds) {
    const names = Object.keys(contenders)
    const costs: Record<string, Cost> = {}
    for (const name of rounds.length % 2 === 0 ? names : names.toReversed()) {
      const work = contenders[name]
      if (work) costs[name] = await measure(work, plan.calls)
    }
    rounds.push(costs)
    console.error(`round ${rounds.length} of ${plan.rounds}`)
  }
  return rounds
}

/** Measures the cost of one call, with the maximum number in flight. A failing call ends the benchmark. */
async function measure(work: () => Promise<unknown>, calls: number): Promise<Cost> {
  let left = calls
  const worker = async () => {
    while (left-- > 0) await work()
  }
  const cpuBefore = process.cpuUsage()
  const startedAt = nowMs()
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  const wallMicros = ((nowMs() - startedAt) * 1000) / calls
  const { user, system } = process.cpuUsage(cpuBefore)
  return { wallMicros, cpuMicros: (user + system) / calls }
}

function describeRounds(rounds: readonly Record<string, Cost>[], plan: typeof FULL): string {
  const cell = (name: string, unit: keyof Cost) => {
    const values = rounds.map((round) => round[name]?.[unit] ?? 0)
    const ratios = rounds.map((round) => (round[name]?.[unit] ?? 0) / (round[BARE]?.[unit] ?? 0))
    const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    return [median(values).toFixed(1), `${median(ratios).toFixed(2)} (${range})`]
  }
  const lines = Object.keys(rounds[0] ?? {}).map((name) => [
    name,
    ...cell(name, 'wallMicros'),
    ...cell(name, 'cpuMicros')
  ])
  return `${plan.calls.toLocaleString('en')} calls a round, ${IN_FLIGHT} in flight over ${IN_FLIGHT} connections, each response read and parsed; ${plan.rounds} interleaved
rounds; medians; ratios are to bare undici in the same round, with their range.

${markdownTable(['client', 'µs a call', 'ratio', 'CPU µs a call', 'ratio'], lines)}`
}

async function describeRefusals(client: MeasuredClient): Promise<string> {
  const call = { path: ['failing'], response: Availability }
  while (client.breaker.state === 'closed') await client.request(call).catch(() => {})
  const times: number[] = []
  for (let count = 0; count < REFUSED_CALLS; count++) {
    const startedAt = nowMs()
    await client.request(call).catch(() => {})
    times.push((nowMs() - startedAt) * 1000)
  }
  const sorted = times.toSorted((a, b) => a - b)
  const late = sorted[Math.floor(sorted.length * 0.99)] ?? 0
  return `An open breaker refuses a call within ${median(times).toFixed(1)} µs (median of ${REFUSED_CALLS}; 99 % within ${late.toFixed(1)} µs).`
}

/** @param countAttempts returns how many attempts have reached the supplier */
async function describeOutage(
  client: MeasuredClient,
  withoutBreaker: MeasuredClient,
  countAttempts: () => Promise<number>
): Promise<string> {
  const sentBy = async ({ request }: MeasuredClient) => {
    const before = await countAttempts()
    const call = { path: ['failing'], response: Availability }
    for (let count = 0; count < OUTAGE_CALLS; count++) await request(call).catch(() => {})
    return (await countAttempts()) - before
  }
  return `While every attempt fails, ${OUTAGE_CALLS} calls of up to 3 attempts make ${await sentBy(withoutBreaker)} attempts without a breaker: the
calls, and the retries that the retry budget allows. With a breaker they make ${await sentBy(client)} attempts.`
}
