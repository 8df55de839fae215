import fc from 'fast-check'
import t from 'tap'
import type { Limit } from '../../../src/edge/rate-limit/limiter.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { NaiveWindow } from './support/naive-window.ts'
import { virtualInstances } from './support/virtual-instance.ts'

/** After a failure Redis is left alone for half a second. */
const RECOVERED_MS = 600

const server = await privateRedis(t)
const { clock, instances } = await virtualInstances(t, server.socketPath, [0, 60_000, -60_000])
let traces = 0

const step = fc.record({
  instance: fc.nat(instances.length - 1),
  fault: fc.constantFrom(undefined, 'none' as const, 'refused' as const, 'answer lost' as const),
  wait: fc.oneof(
    fc.constant(0),
    fc.double({ min: 0, max: 0.05, noNaN: true }),
    fc.double({ max: 1, min: 0, noNaN: true })
  ),
  share: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.6, noNaN: true }), fc.constant(1.1)),
  isRetried: fc.boolean()
})

const trace = fc.record({
  limit: fc.record({ max: fc.integer({ min: 1, max: 400 }), windowMs: fc.constantFrom(1000, 10_000, 900_000) }),
  steps: fc.array(step, { minLength: 5, maxLength: 40 })
})

async function pass(ms: number): Promise<void> {
  clock.nowMs += ms
  for (const instance of instances) await instance.returnEndedLeases()
}

t.test(
  'whatever happens to Redis, no instance admits more than the limit, nor do all of them with its permits',
  async (t) => {
    const seen = { degraded: 0, shared: 0, refused: 0, retried: 0 }
    await fc.assert(
      fc.asyncProperty(trace, async ({ limit, steps }) => {
        const client = `${traces++}`
        const byInstance = instances.map(() => new NaiveWindow())
        const shared = new NaiveWindow()

        const request = async (place: number) => {
          const instance = instances[place]
          if (instance === undefined) throw new Error(`no instance ${place}`)
          const decision = await instance.request(client, limit)
          const { isAdmitted, isDegraded, remaining, resetMs, atMs } = decision
          const used = byInstance[place]?.used(clock.nowMs, limit) ?? 0
          if (remaining < 0 || used + (isAdmitted ? 1 : 0) + remaining > limit.max) {
            throw new Error(`remaining ${remaining} after ${used}`)
          }
          if (resetMs < 0 || resetMs > limit.windowMs * 1.1) throw new Error(`reset ${resetMs}`)
          if (isAdmitted) byInstance[place]?.admit(clock.nowMs)
          if (isAdmitted && !isDegraded) shared.admit(atMs)
          if (!isAdmitted) seen.refused++
          else if (isDegraded) seen.degraded++
          else seen.shared++
          return decision
        }

        for (const { instance, fault, wait, share, isRetried } of steps) {
          const { redis } = instances[instance] ?? {}
          if (fault !== undefined && redis !== undefined) redis.network.fault = fault
          await pass(Math.round(wait * limit.windowMs))
          let decision = await request(instance)
          for (let i = 1; i < share * limit.max; i++) decision = await request(instance)
          if (isRetried && !decision.isAdmitted) {
            await pass(Math.ceil(decision.resetMs))
            const again = await request(instance)
            seen.retried++
            if (again.isDegraded === decision.isDegraded && !again.isAdmitted) throw new Error('refused again')
          }
        }
        for (const window of [...byInstance, shared]) {
          if (window.most(limit) > limit.max) throw new Error(`${window.most(limit)} in some window`)
        }
        for (const { redis } of instances) redis.network.fault = 'none'
        await pass(RECOVERED_MS)
        for (const place of instances.keys()) {
          if ((await request(place)).isDegraded) throw new Error('it does not recover')
        }
        await pass(2 * limit.windowMs)
      }),
      { numRuns: 200 }
    )
    t.comment(JSON.stringify(seen))
    t.ok(
      Object.values(seen).every((count) => count > 0),
      'there is something of everything'
    )
  }
)

t.test('a late answer is not used: its permits count until they expire', async (t) => {
  const limit: Limit = { max: 3, windowMs: 1000 }
  const [one, other] = instances
  if (one === undefined || other === undefined) throw new Error('no instances')
  one.redis.network.fault = 'answer lost'
  t.match(await one.request('late', limit), { isAdmitted: true, remaining: 2, isDegraded: true })
  one.redis.network.fault = 'none'
  t.match(await other.request('late', limit), { isAdmitted: true, remaining: 1, isDegraded: false })
  await pass(1000)
  t.match(await other.request('late', limit), { isAdmitted: true, remaining: 2, isDegraded: false })
})
