import t from 'tap'
import { MAX_EVENT_ATTEMPTS, retryDelayMs } from '../../../src/integrations/webhooks/process/settle-events.ts'

const attempts = Array.from({ length: MAX_EVENT_ATTEMPTS }, (_, index) => index + 1)

t.test('a delay is anything up to a bound that grows; there is none after the last attempt', async (t) => {
  const longest = attempts.map((attempt) => retryDelayMs(attempt, 0.9999))
  t.same(longest, [999, 4999, 29_997, 119_988, 599_940, 3_599_640, 21_597_840, undefined])
  t.same(
    attempts.map((attempt) => retryDelayMs(attempt, 0)),
    [0, 0, 0, 0, 0, 0, 0, undefined]
  )
})
