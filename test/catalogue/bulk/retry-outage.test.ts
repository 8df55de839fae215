import t from 'tap'
import { retryOutage } from '../../../src/catalogue/bulk/retry-outage.ts'
import { AppError } from '../../../src/platform/errors/app-error.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'

const outage = () => new AppError('database-unavailable', 'The database is down.')

/** Work that fails in every attempt, on a clock of its own. */
function prepare(error: () => Error) {
  const time = createVirtualTime()
  const ending = new AbortController()
  let attempts = 0
  const work = async () => {
    attempts++
    throw error()
  }
  const options = { forMs: 3000, signal: ending.signal, nowMs: time.nowMs, start: time.startTimeout }
  return { time, ending, options, result: retryOutage(work, options), attempts: () => attempts }
}

t.test('an outage is retried with pauses until time is up', async (t) => {
  const { time, result, attempts } = prepare(outage)
  const rejected = t.rejects(result, { code: 'database-unavailable' })
  await time.advance(2000)
  const early = attempts()
  t.ok(early >= 3, 'no pause is longer than a second')
  t.equal(time.timers, 1)
  await time.advance(2000)
  await rejected
  t.ok(attempts() > early)
  t.equal(time.timers, 0)
})

t.test('the result of the first attempt that succeeds is returned', async (t) => {
  const { time, options } = prepare(outage)
  let attempts = 0
  const work = async () => {
    if (++attempts < 3) throw outage()
    return 'written'
  }
  const result = retryOutage(work, options)
  await time.advance(3000)
  t.equal(await result, 'written')
  t.equal(attempts, 3)
})

t.test('other errors are not retried', async (t) => {
  for (const error of [new AppError('sku-conflict', 'Taken.'), new Error('a fault')]) {
    const { result, attempts } = prepare(() => error)
    await t.rejects(result, error)
    t.equal(attempts(), 1)
  }
})

t.test('the signal ends a pause with the error of the work', async (t) => {
  const { time, ending, result, attempts } = prepare(outage)
  const rejected = t.rejects(result, { code: 'database-unavailable' })
  await time.advance(0)
  ending.abort(new Error('stopping'))
  await rejected
  t.equal(time.timers, 0)
  t.ok(attempts() >= 1)
})
