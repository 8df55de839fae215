import t from 'tap'
import { type SupplierStock, shareStock } from '../../../src/integrations/supplier/supplier-stock.ts'

const LIVE: SupplierStock = { outcome: 'live', available: 1, asOf: '2026-01-01T00:00:00.000Z' }

function setUp(answer: () => Promise<SupplierStock>) {
  const asked: string[] = []
  const clock = { nowMs: 0 }
  const ask = (sku: string) => {
    asked.push(sku)
    return answer()
  }
  return { find: shareStock(ask, () => clock.nowMs), asked, clock }
}

t.test('every outcome is kept for two seconds after it came', async (t) => {
  for (const stock of [LIVE, { outcome: 'unknown-sku' }, { outcome: 'deadline' }] as const) {
    const { promise, resolve } = Promise.withResolvers<SupplierStock>()
    const { find, asked, clock } = setUp(() => promise)
    const first = find('A')
    clock.nowMs = 5000
    const second = find('A')
    resolve(stock)
    t.same(await Promise.all([first, second]), [stock, stock])
    clock.nowMs = 6999
    await find('A')
    t.same(asked, ['A'], 'it was asked for once')
    await find('B')
    clock.nowMs = 7000
    await find('A')
    t.same(asked, ['A', 'B', 'A'])
  }
})

t.test('an outcome of a call that was not sent is not kept', async (t) => {
  for (const outcome of ['open', 'busy'] as const) {
    const { find, asked } = setUp(async () => ({ outcome }))
    await find('A')
    await find('A')
    t.same(asked, ['A', 'A'], outcome)
  }
})

t.test('an error reaches all callers that wait, and is not kept', async (t) => {
  const { find, asked } = setUp(() => Promise.reject(new Error('a mistake of ours')))
  const both = await Promise.allSettled([find('A'), find('A')])
  t.match(both, [{ reason: { message: 'a mistake of ours' } }, { reason: { message: 'a mistake of ours' } }])
  t.same(asked, ['A'])
  await t.rejects(find('A'))
  t.same(asked, ['A', 'A'])
})

t.test('no more than 10,000 skus are kept', async (t) => {
  const { find, asked } = setUp(async () => LIVE)
  const skus = Array.from({ length: 10_001 }, (_, number) => `sku ${number}`)
  await Promise.all(skus.map(find))
  await find('sku 1')
  t.equal(asked.length, 10_001)
  await find('sku 0')
  t.equal(asked.length, 10_002, 'the oldest has gone')
})
