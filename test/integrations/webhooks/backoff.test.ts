import t from 'tap'
import { MAX_ATTEMPTS, retryDelayMs } from '../../../src/integrations/webhooks/process/backoff.ts'

const attempts = Array.from({ length: MAX_ATTEMPTS }, (_, index) => index + 1)

t.test('waits are anything up to a bound that grows, and there is none after the last attempt', async (t) => {
  const longest = attempts.map((attempt) => retryDelayMs(attempt, 0.9999))
  t.same(longest, [999, 4999, 29_997, 119_988, 599_940, 3_599_640, 21_597_840, undefined])
  t.same(
    attempts.map((attempt) => retryDelayMs(attempt, 0)),
    [0, 0, 0, 0, 0, 0, 0, undefined]
  )
})
