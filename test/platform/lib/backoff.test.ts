import fc from 'fast-check'
import t from 'tap'
import { backoffMs, longestBackoffMs } from '../../../src/platform/lib/backoff.ts'

t.test('the bound doubles with each failure, up to the longest', async (t) => {
  const backoff = { baseMs: 100, maxMs: 1000 }
  t.same(
    [1, 2, 3, 4, 5, 2000].map((failures) => longestBackoffMs(failures, backoff)),
    [100, 200, 400, 800, 1000, 1000]
  )
})

t.test('the delay is anything from nothing to the bound', async () => {
  const failures = fc.integer({ min: 1, max: 2000 })
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(
      failures,
      fc.integer({ min: 1, max: 60_000 }),
      fc.nat(60_000),
      share,
      (failures, baseMs, maxMs, share) => {
        const delayMs = backoffMs(failures, { baseMs, maxMs }, () => share)
        return delayMs === share * longestBackoffMs(failures, { baseMs, maxMs })
      }
    )
  )
})
