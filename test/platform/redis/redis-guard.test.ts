import fc from 'fast-check'
import { Redis } from 'ioredis'
import t from 'tap'
import { createRedisGuard } from '../../../src/platform/redis/redis-guard.ts'
import { testConfig } from '../../support/test-config.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'

const RETRY_AFTER_MS = 500

/** A guard with a clock of its own, and what it has reported. */
function guarded(budgetMs = 1000) {
  const clock = { nowMs: 0 }
  const time = createVirtualTime()
  const reports: string[] = []
  const guard = createRedisGuard({
    budgetMs,
    nowMs: () => clock.nowMs,
    onDown: (error) => reports.push(error.message),
    onUp: () => reports.push('up'),
    start: time.startTimeout
  })
  return { ...guard, clock, time, reports }
}

const works = async () => 'works'
const fails = async () => {
  throw new Error('refused')
}
const never = () => new Promise<string>(() => {})

t.test('what Redis answers is answered', async (t) => {
  const { ask, reports } = guarded()
  t.equal(await ask(works), 'works')
  t.same(reports, ['up'])
})

t.test('nothing waits for longer than the budget', async (t) => {
  const { ask, time, reports } = guarded(5)
  const answer = ask(never)
  await time.advance(4)
  t.same(reports, [])
  await time.advance(1)
  t.equal(await answer, undefined)
  t.same(reports, ['no answer within 5 ms'])
})

t.test('an answer that comes too late changes nothing', async (t) => {
  const { ask, time, reports } = guarded(5)
  const late = [Promise.withResolvers<string>(), Promise.withResolvers<string>()] as const
  const answers = late.map(({ promise }) => ask(() => promise))
  await time.advance(5)
  t.same(await Promise.all(answers), [undefined, undefined])
  late[0].resolve('late')
  late[1].reject(new Error('late'))
  await Promise.allSettled(late.map(({ promise }) => promise))
  t.same(reports, ['no answer within 5 ms', 'no answer within 5 ms'])
  let isSent = false
  await ask(async () => {
    isSent = true
  })
  t.notOk(isSent, 'it is still left alone')
})

t.test('an answer that has arrived while the process was busy is not missed', async (t) => {
  const config = await testConfig(t)
  const client = new Redis(config.redis.url)
  t.teardown(() => client.quit())
  await client.ping()
  const reports: string[] = []
  const { ask } = createRedisGuard({
    budgetMs: 20,
    nowMs: () => performance.now(),
    onDown: (error) => reports.push(error.message),
    onUp: () => reports.push('up')
  })
  const answer = ask(() => client.ping())
  const until = performance.now() + 60
  while (performance.now() < until);
  t.equal(await answer, 'PONG')
  t.same(reports, ['up'])
})

t.test('after a failure one command tries Redis at a time, and the others do without', async () => {
  const outcome = fc.constantFrom('works' as const, 'fails' as const)
  const step = fc.oneof(
    fc.record({ act: fc.constant('ask' as const), outcome }),
    fc.record({ act: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1000 }) })
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { ask, clock, reports } = guarded()
      let leftAloneUntilMs = 0
      const expected: string[] = []
      for (const step of steps) {
        if (step.act === 'pass') {
          clock.nowMs += step.ms
          continue
        }
        const isAsked = clock.nowMs >= leftAloneUntilMs
        let sent = 0
        const send = (one: () => Promise<string>) => () => {
          sent++
          return one()
        }
        const answer = await ask(send(step.outcome === 'works' ? works : fails))
        if (sent !== (isAsked ? 1 : 0)) throw new Error(`sent ${sent} times`)
        if (answer !== (isAsked && step.outcome === 'works' ? 'works' : undefined)) throw new Error('another answer')
        if (!isAsked) continue
        expected.push(step.outcome === 'works' ? 'up' : 'refused')
        leftAloneUntilMs = step.outcome === 'works' ? 0 : clock.nowMs + RETRY_AFTER_MS
      }
      if (reports.join() !== expected.join()) throw new Error(`${reports} instead of ${expected}`)
    })
  )
})

t.test('while one command tries, all others go without, until it has succeeded', async (t) => {
  const { ask, clock, reports } = guarded()
  await ask(fails)
  clock.nowMs += RETRY_AFTER_MS
  const trying = Promise.withResolvers<string>()
  const probe = ask(() => trying.promise)
  let sent = 0
  const others = Array.from({ length: 100 }, () => ask(async () => ++sent))
  t.same(new Set(await Promise.all(others)), new Set([undefined]))
  t.equal(sent, 0)
  trying.resolve('back')
  t.equal(await probe, 'back')
  t.equal(await ask(works), 'works')
  t.same(reports, ['refused', 'up', 'up'])
})
