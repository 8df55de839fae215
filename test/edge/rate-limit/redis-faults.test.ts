import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Decision } from '../../../src/edge/rate-limit/limiter.ts'
import { createLimiter } from '../../../src/edge/rate-limit/limiter.ts'
import { createRedisGuard, type RedisGuard } from '../../../src/platform/redis/redis-guard.ts'
import { faultProxy } from '../../support/fault-proxy.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { waitFor } from '../../support/wait-for.ts'
import { NaiveWindow } from './support/naive-window.ts'

const BUDGET_MS = 50
const RETRY_AFTER_MS = 500
/** Several of the half seconds after which Redis is tried again. */
const FAULT_MS = 1700
const limit = { max: 200, windowMs: 1000 }

const server = await privateRedis(t)

async function instance(t: Test, instanceId: string) {
  const proxy = await faultProxy(t, { path: server.socketPath })
  const client = new Redis(proxy.port, proxy.host, {
    commandTimeout: 1000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50
  })
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  await waitFor('it is connected', () => client.status === 'ready')
  const reports: string[] = []
  const report = (line: string) => () => {
    if (reports.at(-1) !== line) reports.push(line)
  }
  const nowMs = () => performance.now()
  let commands = 0
  const redisGuard = createRedisGuard({ budgetMs: BUDGET_MS, nowMs, onDown: report('down'), onUp: report('up') })
  const guard: RedisGuard = {
    get isDown() {
      return redisGuard.isDown
    },
    ask: (send) =>
      redisGuard.ask(() => {
        commands++
        return send()
      })
  }
  const limiter = createLimiter({ client, guard, nowMs, instanceId })
  const admitted = new NaiveWindow()
  let longestMs = 0

  /** As many at once as would be too many in a while. */
  async function ask(): Promise<Decision[]> {
    const askedAtMs = nowMs()
    const decisions = await Promise.all(
      Array.from({ length: 20 }, () => limiter.decideNow('client', limit, nowMs()) ?? limiter.decide('client', limit))
    )
    for (const { isAdmitted } of decisions) if (isAdmitted) admitted.admit(nowMs())
    longestMs = Math.max(longestMs, nowMs() - askedAtMs)
    await new Promise(setImmediate)
    return decisions
  }
  // A decision is seen here later than it was made, by as much as the longest call took.
  const most = () => admitted.most({ ...limit, windowMs: Math.max(0, limit.windowMs - 2 * BUDGET_MS - longestMs) })
  return { proxy, ask, reports, commands: () => commands, most }
}

type Instance = Awaited<ReturnType<typeof instance>>

const faults: Record<string, { begin: (by: Instance) => unknown; end: (by: Instance) => unknown }> = {
  'killed, and started again empty': { begin: () => server.kill(), end: () => server.start() },
  paused: { begin: () => server.pause(), end: () => server.resume() },
  'not reached any more': { begin: ({ proxy }) => proxy.stall(), end: ({ proxy }) => proxy.pass() },
  'not connected': { begin: ({ proxy }) => proxy.refuse(), end: ({ proxy }) => proxy.pass() },
  slow: { begin: ({ proxy }) => proxy.delay(BUDGET_MS), end: ({ proxy }) => proxy.pass() }
}

for (const [name, { begin, end }] of Object.entries(faults)) {
  t.test(`Redis is ${name}: the instance enforces the limit alone, and few requests wait`, async (t) => {
    const one = await instance(t, `one, ${name}`)
    await one.ask()
    await begin(one)
    const seen = new Set<string>()
    const [commands, beganAt] = [one.commands(), performance.now()]
    while (performance.now() < beganAt + FAULT_MS) {
      for (const { isDegraded, isAdmitted } of await one.ask()) seen.add(`${isDegraded} ${isAdmitted}`)
    }
    const [tried, lastedMs] = [one.commands() - commands, performance.now() - beganAt]
    t.ok(seen.has('true true') && seen.has('true false'), 'it admits and refuses by itself')
    await end(one)
    const isShared = async () => (await one.ask()).every(({ isDegraded }) => !isDegraded)
    await waitFor('Redis decides again', isShared)
    // What was decided without Redis still counts here.
    const countsUntil = performance.now() + 2 * limit.windowMs
    while (performance.now() < countsUntil) await one.ask()
    await waitFor('Redis still decides', isShared)
    t.same(one.reports.slice(-2), ['down', 'up'])
    const most = one.most()
    t.comment(`${tried} commands in ${Math.round(lastedMs)} ms, at most ${most} admitted in a window`)
    t.ok(most <= limit.max, `${most}`)
    t.ok(tried <= 2 + lastedMs / RETRY_AFTER_MS, 'few commands are tried, and the other requests do not wait')
  })
}
