import t from 'tap'
import { createDependencyCheck } from '../../../src/platform/health/dependency-check.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'

t.test('callers share a check, and its result for a while after', async (t) => {
  const time = createVirtualTime()
  let probes = 0
  const check = createDependencyCheck({
    probe: async () => ++probes,
    timeoutMs: 1000,
    maxAgeMs: 200,
    nowMs: time.nowMs,
    start: time.startTimeout
  })
  const together = await Promise.all(Array.from({ length: 100 }, check))
  t.ok(together.every(({ status, value }) => status === 'ok' && value === 1))
  await time.advance(199)
  t.match(await check(), { status: 'ok', value: 1 })
  await time.advance(1)
  t.match(await check(), { status: 'ok', value: 2 }, 'and not for longer')
})

t.test('a probe that fails is down at once, one that never ends at its limit', async (t) => {
  const time = createVirtualTime()
  const limits = { timeoutMs: 50, maxAgeMs: 1000, nowMs: time.nowMs, start: time.startTimeout }
  const failing = createDependencyCheck({ probe: () => Promise.reject(new Error('no')), ...limits })
  t.same(await failing(), { status: 'down', latencyMs: 0 })

  const hanging = createDependencyCheck({ probe: () => new Promise(() => {}), ...limits })
  const hung = hanging()
  await time.advance(50)
  t.same(await hung, { status: 'down', latencyMs: 50 })
})
