import fc from 'fast-check'
import t from 'tap'
import { Buckets } from '../../../src/platform/metrics/histogram.ts'
import { createMetrics } from '../../../src/platform/metrics/metrics.ts'
import { parseExposition } from '../../support/exposition.ts'

const bounds = fc
  .uniqueArray(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 12 })
  .map((all) => all.sort((a, b) => a - b))
const values = (upTo: number) => fc.array(fc.double({ min: 0, max: upTo, noNaN: true }), { maxLength: 200 })

t.test('each bucket holds what is not above its bound, and the sum is the sum', async () => {
  await fc.assert(
    fc.asyncProperty(bounds, values(30), async (bounds, random) => {
      // Values on the bounds themselves are the ones to get wrong.
      const observed = [...random, ...bounds]
      const metrics = createMetrics()
      const series = metrics.histogram({ name: 'h', help: 'H.' }).series({}, new Buckets(bounds))
      for (const value of observed) series.observe(value)

      const expected = [
        ...bounds.map((bound) => ['h_bucket', String(bound), observed.filter((value) => value <= bound).length]),
        ['h_bucket', '+Inf', observed.length],
        ['h_sum', undefined, observed.reduce((sum, value) => sum + value, 0)],
        ['h_count', undefined, observed.length]
      ]
      const [family] = parseExposition(await metrics.exposition())
      t.same(
        family?.samples.map(({ name, labels, value }) => [name, labels.le, value]),
        expected
      )
    })
  )
})

t.test('by default, buckets go from 0.1 ms to 10 s', async (t) => {
  const { bounds } = new Buckets()
  t.equal(bounds.at(0), 0.0001)
  t.equal(bounds.at(-1), 10)
  t.same(
    bounds,
    [...bounds].sort((a, b) => a - b)
  )
})

t.test('whatever stands in a label, each series comes once and is read back', async () => {
  const label = fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n', ',', '}', 'ü'), maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(label, label), { maxLength: 20 }), async (all) => {
      const metrics = createMetrics()
      const histogram = metrics.histogram({ name: 'h', help: 'H.', labelNames: ['a', 'b'] })
      const naive = new Map<string, number>()
      for (const [a, b] of all) {
        histogram.series({ a, b }).observe(1)
        const key = JSON.stringify([a, b])
        naive.set(key, (naive.get(key) ?? 0) + 1)
      }
      const [family] = parseExposition(await metrics.exposition())
      const counts = family?.samples.filter(({ name }) => name === 'h_count') ?? []
      t.same(
        counts.map(({ labels: { a, b }, value }) => [JSON.stringify([a, b]), value]),
        [...naive]
      )
    })
  )
})

t.test('a name belongs to one metric', async (t) => {
  const metrics = createMetrics()
  metrics.gauge({ name: 'taken', help: 'G.' })
  metrics.histogram({ name: 'taken_too', help: 'H.' })
  for (const add of [metrics.counter, metrics.gauge, metrics.histogram]) {
    t.throws(() => add({ name: 'taken_too', help: 'X.' }), /two metrics taken_too/)
  }
  t.throws(() => metrics.histogram({ name: 'taken', help: 'H.' }), /two metrics taken/)
})
