import fc from 'fast-check'
import t from 'tap'
import { createLocalWindow } from '../../../src/edge/rate-limit/local-window.ts'
import { NaiveWindow } from './support/naive-window.ts'

t.test(
  'never more than the limit in any window, and refused too early by a thousandth and a millisecond',
  async (t) => {
    let refused = 0
    const wait = fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 0.01, noNaN: true }),
      fc.double({ max: 1.1, min: 0, noNaN: true })
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(7, 1000, 900_000),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.array(fc.tuple(wait, fc.integer({ min: 1, max: 60 })), { minLength: 1, maxLength: 60 }),
        (max, windowMs, startMs, steps) => {
          const limit = { max, windowMs }
          const slotMs = Math.ceil(windowMs / 100)
          const [own, naive] = [createLocalWindow(), new NaiveWindow()]
          let nowMs = startMs
          for (const [wait, requests] of steps) {
            nowMs += wait * windowMs
            for (let i = 0; i < requests; i++) {
              const room = own.room(nowMs, limit)
              const used = naive.used(nowMs, limit)
              if (room > max - used) throw new Error(`room for ${room} after ${used}`)
              if (room < max - naive.used(nowMs, limit, slotMs + 1)) throw new Error(`only ${room} after ${used}`)
              if (room === 0) {
                refused++
                const waitMs = own.freesInMs(nowMs, limit)
                if (!(waitMs > 0 && waitMs <= windowMs + slotMs + 1)) throw new Error(`frees in ${waitMs}`)
                nowMs += Math.ceil(waitMs)
                if (own.room(nowMs, limit) === 0) throw new Error('nothing is free after all')
              }
              own.count(1, nowMs, limit)
              naive.admit(nowMs)
            }
          }
        }
      )
    )
    t.ok(refused > 0)
  }
)

t.test('a smaller limit frees up later, a larger one has room at once', async (t) => {
  const own = createLocalWindow()
  const limit = (max: number) => ({ max, windowMs: 1000 })
  for (let atMs = 0; atMs < 10; atMs++) own.count(1, atMs * 10, limit(10))
  t.equal(own.room(100, limit(10)), 0)
  t.equal(own.room(100, limit(12)), 2)
  t.equal(own.room(100, limit(4)), 0)
  t.equal(own.freesInMs(100, limit(10)), 900)
  t.equal(own.freesInMs(100, limit(4)), 960)
})
