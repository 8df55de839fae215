import fc from 'fast-check'
import t from 'tap'
import { usefulMsOf } from '../../../src/integrations/oauth/token-provider.ts'
import { tokenSetup } from './support/token-setup.ts'

const DEFAULT_MS = 270_000
const LONGEST_MS = 86_370_000

t.test('useful lifetimes for values of expires_in', async (t) => {
  const cases: [said: unknown, usefulMs: number][] = [
    [3600, 3_570_000],
    ['3600', 3_570_000],
    [60, 54_000],
    [10.5, 9450],
    [0.001, 900],
    [86_400, LONGEST_MS],
    [1e12, LONGEST_MS],
    [Number.POSITIVE_INFINITY, LONGEST_MS],
    ['1e999', LONGEST_MS],
    ...[undefined, null, 0, -5, '0', '', ' ', 'soon', Number.NaN, {}, [3600], true].map((said): [unknown, number] => [
      said,
      DEFAULT_MS
    ])
  ]
  for (const [said, usefulMs] of cases) t.equal(usefulMsOf(said), usefulMs, JSON.stringify(said))
})

t.test('any lifetime is within bounds', async () => {
  const isWithinBounds = (usefulMs: number) => usefulMs >= 900 && usefulMs <= LONGEST_MS
  fc.assert(fc.property(fc.anything(), (expiresIn) => isWithinBounds(usefulMsOf(expiresIn))))
})

t.test('an opaque token of unknown or absurd lifetime is kept', async (t) => {
  for (const statedSeconds of [null, 0, 'soon', '3600', 1e300]) {
    const setup = await tokenSetup(t, { statedSeconds })
    const [one, other] = [await setup.instance(), await setup.instance()]
    t.equal(await one.get(), await other.get(), `${statedSeconds}`)
    t.equal(await one.get(), await one.get())
    t.equal(setup.tokenRequests, 1)
  }
})
