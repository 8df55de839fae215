import fc from 'fast-check'
import t from 'tap'
import { createSharedLoad, createSingleFlight } from '../../../src/platform/lib/single-flight.ts'

t.test('all who ask for a key while it is loaded get the same result', async (t) => {
  const flights = createSingleFlight<string, number>()
  let loads = 0
  const { promise, resolve } = Promise.withResolvers<number>()
  const load = () => {
    loads++
    return promise
  }
  const results = Array.from({ length: 100 }, () => flights.run('a', load))
  t.ok(flights.has('a'))
  t.notOk(flights.has('b'))
  resolve(7)
  t.same(new Set(await Promise.all(results)), new Set([7]))
  t.equal(loads, 1)
  t.notOk(flights.has('a'), 'nothing is kept')
  t.equal(await flights.run('a', async () => 8), 8)
})

t.test('an error is shared, and is not kept', async (t) => {
  const flights = createSingleFlight<string, number>()
  const results = [0, 1].map(() => flights.run('a', () => Promise.reject(new Error('lost'))))
  for (const { status } of await Promise.allSettled(results)) t.equal(status, 'rejected')
  t.equal(await flights.run('a', async () => 1), 1)
})

t.test('a load is joined by whom it is young and new enough for, until it ends or is forgotten', () => {
  const MAX_AGE_MS = 100
  const key = fc.constantFrom('a', 'b')
  const step = fc.oneof(
    fc.record({ act: fc.constant('run' as const), key, version: fc.nat(3) }),
    fc.record({ act: fc.constant('end' as const), load: fc.nat(20), fails: fc.boolean() }),
    fc.record({ act: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 120 }) }),
    fc.record({ act: fc.constant('forget' as const), key: fc.option(key) })
  )
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let now = 0
      const flights = createSingleFlight<string, number>({ maxAgeMs: MAX_AGE_MS, nowMs: () => now })
      const loads: PromiseWithResolvers<number>[] = []
      /** What a new caller of each key may join. */
      const model = new Map<string, { number: number; atMs: number; version: number }>()
      for (const step of steps) {
        if (step.act === 'pass') now += step.ms
        if (step.act === 'forget' && step.key === null) {
          model.clear()
          flights.forgetAll()
        } else if (step.act === 'forget' && step.key !== null) {
          model.delete(step.key)
          flights.forget(step.key)
        }
        if (step.act === 'end') {
          const load = loads[step.load]
          if (step.fails) load?.reject(new Error('lost'))
          else load?.resolve(step.load)
          await new Promise(setImmediate)
          if (load) for (const [key, { number }] of model) if (number === step.load) model.delete(key)
        }
        if (step.act === 'run') {
          const present = model.get(step.key)
          const isJoined = present && now - present.atMs < MAX_AGE_MS && present.version >= step.version
          let isLoaded = false
          flights
            .run(
              step.key,
              () => {
                isLoaded = true
                const load = Promise.withResolvers<number>()
                loads.push(load)
                return load.promise
              },
              step.version
            )
            .catch(() => {})
          if (isLoaded === Boolean(isJoined)) throw new Error(isLoaded ? 'a load too many' : 'joined the wrong load')
          if (isLoaded) model.set(step.key, { number: loads.length - 1, atMs: now, version: step.version })
        }
        for (const key of ['a', 'b']) {
          const present = model.get(key)
          const isExpected = present !== undefined && now - present.atMs < MAX_AGE_MS
          if (flights.has(key) !== isExpected) throw new Error(`has(${key}) is not ${isExpected}`)
        }
      }
    })
  )
})

t.test('a shared load runs at most once in its time, whether it succeeds or fails', async (t) => {
  let now = 0
  let loads = 0
  const load = createSharedLoad({
    load: async () => {
      if (++loads === 2) throw new Error('lost')
      return loads
    },
    maxAgeMs: 100,
    nowMs: () => now
  })
  t.same(await Promise.all([load(), load()]), [1, 1])
  now = 99
  t.equal(await load(), 1)
  now = 100
  await t.rejects(load(), /lost/)
  now = 199
  await t.rejects(load(), /lost/)
  now = 200
  t.equal(await load(), 3)
})
