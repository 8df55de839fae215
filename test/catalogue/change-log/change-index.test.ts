import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { createChangeIndex } from '../../../src/catalogue/change-log/change-index.ts'
import { change, toId } from '../../support/change-log.ts'

const PRODUCTS = 6
const ids = Array.from({ length: PRODUCTS }, (_, number) => toId(number))
const someNumbers = fc.uniqueArray(fc.nat({ max: PRODUCTS - 1 }), { minLength: 1, maxLength: 3 })

type Step =
  | { act: 'change' | 'own write'; numbers: number[] }
  | { act: 'begin reading' | 'end reading' }
  | { act: 'restart'; by: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('change'), numbers: someNumbers }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('own write'), numbers: someNumbers }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constantFrom('begin reading', 'end reading') }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('restart'), by: fc.integer({ min: -5, max: 5 }) }) }
)

/** The same, kept naively: the whole history, and for each own write whether a reading has begun since. */
function naiveIndex() {
  const changes: { seq: number; id: string }[] = []
  let ownWrites: { id: string; isBeingRead: boolean }[] = []
  let head = 0
  let floor = 0
  let isReading = false
  return {
    act(step: Step) {
      switch (step.act) {
        case 'change':
          head++
          for (const number of step.numbers) changes.push({ seq: head, id: toId(number) })
          return
        case 'own write':
          for (const number of step.numbers) {
            ownWrites = ownWrites.filter(({ id }) => id !== toId(number))
            ownWrites.push({ id: toId(number), isBeingRead: false })
          }
          return
        case 'begin reading':
          isReading = true
          for (const write of ownWrites) write.isBeingRead = true
          return
        case 'end reading':
          if (isReading) ownWrites = ownWrites.filter(({ isBeingRead }) => !isBeingRead)
          isReading = false
          return
        case 'restart':
          head = Math.max(0, head + step.by)
          floor = head
          changes.length = 0
      }
    },
    get head() {
      return head
    },
    validFrom(id: string) {
      if (ownWrites.some((write) => write.id === id)) return null
      return changes.findLast((one) => one.id === id)?.seq ?? floor
    }
  }
}

t.test('it knows from which version a state is still true, after any history', async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const index = createChangeIndex()
      const model = naiveIndex()
      let isReading = false
      index.restart(0)
      for (const step of steps) {
        // Readings follow each other.
        if (step.act === 'begin reading' && isReading) continue
        if (step.act === 'end reading' && !isReading) continue
        model.act(step)
        switch (step.act) {
          case 'change':
            index.apply([{ seq: model.head, changes: step.numbers.map(change) }])
            break
          case 'own write':
            index.markWritten(step.numbers.map(toId))
            break
          case 'begin reading':
            isReading = true
            index.beginReading()
            break
          case 'end reading':
            isReading = false
            index.endReading()
            break
          case 'restart':
            index.restart(model.head)
        }
        assert.equal(index.version, model.head)
        assert.deepEqual(
          ids.map((id) => index.validFrom(id)),
          ids.map((id) => model.validFrom(id))
        )
      }
    }),
    { numRuns: 500 }
  )
})

t.test('no state counts as true before the log was read', async (t) => {
  const index = createChangeIndex()
  t.same([index.version, index.validFrom(toId(1))], [null, null])
})

t.test('a product stays marked as written until a reading that began after the write has ended', async (t) => {
  const index = createChangeIndex()
  const id = toId(1)
  index.restart(7)
  index.beginReading()
  index.markWritten([id])
  index.endReading()
  t.equal(index.validFrom(id), null, 'the reading may have been too early')
  index.beginReading()
  t.equal(index.validFrom(id), null)
  index.beginReading()
  index.apply([{ seq: 8, changes: [change(1)] }])
  t.equal(index.validFrom(id), null, 'a reading that failed does not count')
  index.endReading()
  t.equal(index.validFrom(id), 8)
})

t.test('with many products it forgets the oldest changes, and never claims too much validity', async (t) => {
  const index = createChangeIndex()
  const last = new Map<number, number>()
  const order: number[] = []
  index.restart(100)
  let seq = 100
  const apply = (numbers: readonly number[]) => {
    seq++
    index.apply([{ seq, changes: numbers.map(change) }])
    for (const number of numbers) last.set(number, seq)
    order.push(...numbers)
  }
  let tooEarly = 0
  let vague = 0
  for (let row = 0; row < 140; row++) {
    apply(Array.from({ length: 500 }, (_, index) => (row * 500 + index) % 60_000))
    // One that changes all the time.
    apply([70_000])
    const unchangedFrom = index.validFrom(toId(99_999)) ?? Number.NaN
    if (!(unchangedFrom >= 100 && unchangedFrom <= Math.max(100, seq - 39))) vague++
    if (row % 7 > 0) continue
    const recent = new Set(order.slice(-20_000))
    for (const [number, changedAt] of last) {
      const from = index.validFrom(toId(number)) ?? Number.NaN
      if (!(from >= changedAt)) tooEarly++
      if (recent.has(number) && from !== changedAt) vague++
    }
  }
  t.equal(tooEarly, 0)
  t.equal(vague, 0, 'of the latest 20,000 it knows exactly, and of others that they are not among them')
  t.ok((index.validFrom(toId(99_999)) ?? 0) > 100, 'what was never changed may have been, for all it knows')
})

t.test('listeners are called for each change, after it was indexed', async (t) => {
  const index = createChangeIndex()
  const told: unknown[] = []
  index.onChanged((productIds) => told.push([productIds, productIds?.map((id) => index.validFrom(id)), index.version]))
  index.restart(3)
  index.apply([
    { seq: 4, changes: [change(1), change(2)] },
    { seq: 5, changes: [change(2)] }
  ])
  index.markWritten([toId(1)])
  t.same(told, [
    [null, undefined, 3],
    [[toId(1), toId(2)], [4, 4], 4],
    [[toId(2)], [5], 5],
    [[toId(1)], [null], 5]
  ])
})
