import t from 'tap'
import { startTimeout, unlessAborted, wait, withTimeLimit } from '../../../src/platform/lib/time-limit.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'

t.test('what comes in time is returned, and the timer is cancelled', async (t) => {
  const time = createVirtualTime()
  const late = () => t.fail('not late')
  t.equal(await withTimeLimit(Promise.resolve(1), 100, late, time.startTimeout), 1)
  await t.rejects(withTimeLimit(Promise.reject(new Error('lost')), 100, late, time.startTimeout), /lost/)
  t.equal(time.timers, 0)
})

t.test('what comes too late is ignored, be it a value or an error', async (t) => {
  const time = createVirtualTime()
  const works = [Promise.withResolvers<string>(), Promise.withResolvers<string>()] as const
  const limited = works.map(({ promise }) => withTimeLimit(promise, 100, () => 'late', time.startTimeout))
  let isOver = false
  limited[0]?.then(() => {
    isOver = true
  })
  await time.advance(99)
  t.notOk(isOver)
  await time.advance(1)
  t.same(await Promise.all(limited), ['late', 'late'])
  works[0].resolve('value')
  works[1].reject(new Error('lost'))
  t.same(await Promise.all(limited), ['late', 'late'])
})

t.test('being late can be an error', async (t) => {
  const time = createVirtualTime()
  const limited = withTimeLimit(
    new Promise(() => {}),
    100,
    () => {
      throw new Error('late')
    },
    time.startTimeout
  )
  const rejected = t.rejects(limited, /late/)
  await time.advance(100)
  await rejected
})

t.test('a timer that is cancelled does not expire, not even between its time and its turn', async (t) => {
  let expired = 0
  startTimeout(() => expired++, 0)()
  const cancel = startTimeout(() => expired++, 0)
  // Timers come before immediates: ours has expired by then, and has not had its turn.
  await new Promise<void>((resolve) => setTimeout(() => resolve(cancel()), 0))
  await new Promise(setImmediate)
  t.equal(expired, 0)
})

t.test('a signal ends the waiting for a promise, with its reason', async (t) => {
  const never = new Promise<never>(() => {})
  const abort = new AbortController()
  t.equal(await unlessAborted(abort.signal, Promise.resolve(1)), 1)
  await t.rejects(unlessAborted(abort.signal, Promise.reject(new Error('lost'))), /lost/)
  const waiting = [unlessAborted(abort.signal, never), wait(1_000_000, abort.signal)]
  abort.abort(new Error('enough'))
  for (const each of waiting) await t.rejects(each, /enough/)
  await t.rejects(unlessAborted(abort.signal, never), /enough/)
  await t.rejects(wait(1_000_000, abort.signal), /enough/)
})
