import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Limit } from '../../../src/edge/rate-limit/limiter.ts'
import { createRedisWindow, leaseMsOf } from '../../../src/edge/rate-limit/redis-window.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { NaiveWindow } from './support/naive-window.ts'
import { type VirtualInstance, virtualInstances } from './support/virtual-instance.ts'

const INSTANCES = 4
/** One clock is a minute ahead, one behind, one between the milliseconds. */
const OFFSETS_MS = [0, 60_000, -60_000, 0.25]
const WINDOWS_MS = [1000, 10_000, 900_000]

const server = await privateRedis(t)

interface Step {
  /** As a share of the window. */
  wait: number
  instance: number
  client: number
  /** As a share of the limit. */
  share: number
  isAtOnce: boolean
  isRetried: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  wait: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.double({ min: 0, max: 0.03, noNaN: true }) },
    { weight: 2, arbitrary: fc.double({ min: 0, max: 0.6, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(0.02, 0.98, 0.999, 1, 1.001) }
  ),
  instance: fc.nat(INSTANCES - 1),
  client: fc.nat(1),
  share: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.4, noNaN: true }), fc.constant(1.1)),
  isAtOnce: fc.boolean(),
  isRetried: fc.boolean()
})
const steps = fc.array(step, { minLength: 5, maxLength: 30 })
const windowMs = fc.constantFrom(...WINDOWS_MS)
const limit = (max: fc.Arbitrary<number>): fc.Arbitrary<Limit> => fc.record({ max, windowMs })
const network = fc.record({ requestMs: fc.nat(12), replyMs: fc.nat(12) })
const steady = fc.constant({ requestMs: 0, replyMs: 0 })

interface Trace {
  limit: Limit
  steps: Step[]
  network: { requestMs: number; replyMs: number }
}

const { clock, instances } = await virtualInstances(t, server.socketPath, OFFSETS_MS)
let traces = 0

async function pass(ms: number): Promise<void> {
  clock.nowMs += ms
  // As each instance does by itself, on the real clock.
  for (const instance of instances) await instance.returnEndedLeases()
}

function at(place: number): VirtualInstance {
  const instance = instances[place]
  if (instance === undefined) throw new Error(`no instance ${place}`)
  return instance
}

/** Runs a trace and holds every decision against the naive window; answers what happened. */
async function run({ limit, steps, network }: Trace) {
  const { max, windowMs } = limit
  const isExact = max <= 32
  // The margin: as `shared-window.ts` states it.
  const longerMs = isExact ? 0 : leaseMsOf(limit) + 1 + (max > 1000 ? windowMs / 1000 : 0)
  const mostHeldByOthers = isExact ? 0 : (INSTANCES - 1) * Math.floor(max / 32)
  /** For how long others may hold them, and for how long they are not known to be back; on a slow network it takes longer. */
  const heldForMs = network.replyMs + network.requestMs > 0 ? Number.POSITIVE_INFINITY : 2 * leaseMsOf(limit) + 1
  const seen = { admitted: 0, refused: 0, commands: 0, early: 0 }
  const trace = traces++
  const windows = [new NaiveWindow(), new NaiveWindow()]
  const commandsBefore = instances.map(({ redis }) => redis.commands)
  for (const { redis } of instances) Object.assign(redis.network, network)

  async function request(instance: VirtualInstance, name: number): Promise<number | undefined> {
    const window = windows[name] ?? new NaiveWindow()
    const { isAdmitted, remaining, resetMs, isDegraded, atMs } = await instance.request(`${trace}.${name}`, limit)
    const used = window.used(atMs, limit)
    const areHeld = instances.some(({ redis }) => redis !== instance.redis && atMs - redis.grantedAtMs <= heldForMs)
    const heldByOthers = areHeld ? mostHeldByOthers : 0
    const say = (what: string) =>
      new Error(`${what} at ${atMs}: used ${used}, remaining ${remaining}, reset ${resetMs}`)
    if (isDegraded) throw say('degraded')
    if (!Number.isInteger(remaining) || remaining < 0 || resetMs < 0 || resetMs > windowMs * 1.1) throw say('nonsense')
    if (isAdmitted) {
      seen.admitted++
      if (used >= max) throw say('admitted too many')
      if (isExact && used + 1 + remaining > max) throw say('a false remaining')
      window.admit(atMs)
      return undefined
    }
    seen.refused++
    if (used < max) seen.early++
    if (window.used(atMs, limit, longerMs) + heldByOthers < max) throw say('refused too early')
    return resetMs
  }

  for (const { wait, instance, client, share, isAtOnce, isRetried } of steps) {
    await pass(Math.round(wait * windowMs))
    const count = Math.max(1, Math.round(share * max))
    const isConcurrent = isAtOnce && network.requestMs + network.replyMs === 0
    const resets: (number | undefined)[] = []
    if (isConcurrent) {
      resets.push(...(await Promise.all(Array.from({ length: count }, () => request(at(instance), client)))))
    } else {
      for (let i = 0; i < count; i++) resets.push(await request(at(instance), client))
    }
    const resetMs = resets.at(-1)
    if (isRetried && resetMs !== undefined) {
      await pass(Math.ceil(resetMs))
      const again = await request(at((instance + 1) % INSTANCES), client)
      if (again !== undefined) throw new Error(`refused again after ${resetMs} ms, for ${again} ms`)
    }
  }
  if (windows.some((window) => window.most(limit) > max)) throw new Error('too many in some window')
  seen.commands = instances.reduce((sum, { redis }, place) => sum + redis.commands - (commandsBefore[place] ?? 0), 0)
  await pass(windowMs * 2)
  return seen
}

async function check(t: Test, trace: fc.Arbitrary<Trace>, numRuns: number): Promise<void> {
  const sum = { admitted: 0, refused: 0, commands: 0, early: 0 }
  await fc.assert(
    fc.asyncProperty(trace, async (trace) => {
      const seen = await run(trace)
      for (const name of ['admitted', 'refused', 'commands', 'early'] as const) sum[name] += seen[name]
    }),
    { numRuns }
  )
  t.comment(JSON.stringify(sum))
  t.ok(sum.admitted > 0 && sum.refused > 0, 'there is something of everything')
}

t.test('limits up to 32 are exact: each decision is that of a naive sliding window', (t) =>
  check(t, fc.record({ limit: limit(fc.integer({ min: 1, max: 32 })), steps, network: steady }), 200)
)

t.test('limits up to 32 are exact over a slow network too, at the time of the decision', (t) =>
  check(t, fc.record({ limit: limit(fc.integer({ min: 1, max: 32 })), steps, network }), 100)
)

t.test('larger limits: never too many, and refused too early only by the margin', (t) =>
  check(
    t,
    fc.record({ limit: limit(fc.integer({ min: 33, max: 300 })), steps, network: fc.oneof(steady, network) }),
    150
  )
)

t.test('limits of thousands are kept, mostly by leases', (t) =>
  check(t, fc.record({ limit: limit(fc.integer({ min: 900, max: 5000 })), steps, network: steady }), 25)
)

t.test('when there are too many moments and they are rounded, only the margin grows', async (t) => {
  const limit = { max: 1800, windowMs: 60_000 }
  const { redis } = at(0)
  const guard = { isDown: false, ask: <T>(send: () => Promise<T>): Promise<T | undefined> => send() }
  const shared = createRedisWindow({ client: redis, guard })
  const window = new NaiveWindow()
  const seen = { admitted: 0, refused: 0, early: 0 }
  for (let i = 0; i < 8000; i++) {
    clock.nowMs += 7 + (i % 23)
    const request = {
      client: 'rounded',
      limit,
      leaseMs: 1000,
      waiting: 1,
      wanted: 0,
      leaseId: '',
      previousLease: undefined
    }
    const grant = await shared.take(request)
    const used = window.used(clock.nowMs, limit)
    if (grant?.granted === 1) {
      if (used >= limit.max) throw new Error(`admitted after ${used}`)
      window.admit(clock.nowMs)
      seen.admitted++
    } else {
      if (window.used(clock.nowMs, limit, limit.windowMs / 1000) < limit.max) throw new Error(`refused after ${used}`)
      if (used < limit.max) seen.early++
      seen.refused++
    }
  }
  t.comment(JSON.stringify(seen))
  t.ok(seen.admitted > limit.max && seen.refused > 0 && seen.early > 0)
})
