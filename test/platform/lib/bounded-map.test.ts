import fc from 'fast-check'
import t from 'tap'
import { createBoundedMap } from '../../../src/platform/lib/bounded-map.ts'

t.test('it holds the newest entries, as a list would that drops its head', async () => {
  const key = fc.nat(8)
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant('set' as const), key, fc.nat()) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('delete' as const), key) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('clear' as const)) }
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (maxEntries, steps) => {
      const map = createBoundedMap<number, number>(maxEntries)
      let model: [number, number][] = []
      for (const step of steps) {
        if (step[0] === 'set') {
          map.set(step[1], step[2])
          model = [...model.filter(([key]) => key !== step[1]), [step[1], step[2]] as [number, number]].slice(
            -maxEntries
          )
        } else if (step[0] === 'delete') {
          map.delete(step[1])
          model = model.filter(([key]) => key !== step[1])
        } else {
          map.clear()
          model = []
        }
        const expected = new Map(model)
        if (map.size !== expected.size) throw new Error(`${map.size} entries instead of ${expected.size}`)
        for (let key = 0; key <= 8; key++) {
          if (map.get(key) !== expected.get(key) || map.has(key) !== expected.has(key)) throw new Error(`key ${key}`)
        }
      }
    })
  )
})
