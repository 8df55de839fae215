import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { createDependencyCheck } from '../../../src/platform/health/dependency-check.ts'

t.test('callers share a check, and its answer for a while after', async (t) => {
  let probes = 0
  const check = createDependencyCheck({ probe: async () => ++probes, timeoutMs: 1000, maxAgeMs: 200 })
  const together = await Promise.all(Array.from({ length: 100 }, check))
  t.ok(together.every(({ status, value }) => status === 'ok' && value === 1))
  t.match(await check(), { status: 'ok', value: 1 })
  await wait(250)
  t.match(await check(), { status: 'ok', value: 2 }, 'and not for longer')
})

t.test('a probe that fails, and one that never ends, are down in time', async (t) => {
  const failing = createDependencyCheck({
    probe: () => Promise.reject(new Error('no')),
    timeoutMs: 1000,
    maxAgeMs: 1000
  })
  const failed = await failing()
  t.same(Object.keys(failed).sort(), ['latencyMs', 'status'])
  t.equal(failed.status, 'down')
  t.ok(failed.latencyMs < 500)

  const hanging = createDependencyCheck({ probe: () => new Promise(() => {}), timeoutMs: 50, maxAgeMs: 1000 })
  const hung = await hanging()
  t.match(hung, { status: 'down' })
  t.ok(hung.latencyMs >= 45 && hung.latencyMs < 1000, `${hung.latencyMs} ms`)
})
