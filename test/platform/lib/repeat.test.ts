import t from 'tap'
import { startRepeating } from '../../../src/platform/lib/repeat.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'

t.test('work is repeated in intervals, and what is left after short pauses', async (t) => {
  const time = createVirtualTime()
  const begun: number[] = []
  const { stop } = startRepeating({
    step: async () => ({ isComplete: begun.push(time.nowMs()) >= 3 }),
    intervalMs: 1000,
    onFailure: (error) => t.fail(error.message),
    onSuccess: () => {},
    start: time.startTimeout
  })
  await time.advance(3500)
  t.same(begun, [1000, 1100, 1200, 2200, 3200])
  stop()
  await time.advance(10_000)
  t.equal(begun.length, 5)
  t.equal(time.timers, 0)
})

t.test('it goes on after a failure, which is reported unless it was stopped', async (t) => {
  const time = createVirtualTime()
  const reports: string[] = []
  let steps = 0
  const work = startRepeating({
    step: async () => {
      if (++steps === 3) work.stop()
      if (steps !== 2) throw new Error(`step ${steps}`)
      return { isComplete: true }
    },
    intervalMs: 1000,
    onFailure: ({ message }) => reports.push(message),
    onSuccess: () => reports.push('success'),
    start: time.startTimeout
  })
  await time.advance(10_000)
  t.same(reports, ['step 1', 'success'])
  t.equal(steps, 3)
})
