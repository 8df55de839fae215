import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { createChangeView } from '../../../src/catalogue/change-log/change-view.ts'
import { change, toId } from './support/change-log.ts'

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
function naiveView() {
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

t.test('it knows from when on a state holds, whatever happens', async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const view = createChangeView()
      const model = naiveView()
      let isReading = false
      view.restart(0)
      for (const step of steps) {
        // Readings follow each other.
        if (step.act === 'begin reading' && isReading) continue
        if (step.act === 'end reading' && !isReading) continue
        model.act(step)
        switch (step.act) {
          case 'change':
            view.apply([{ seq: model.head, changes: step.numbers.map(change) }])
            break
          case 'own write':
            view.noteOwnWrite(step.numbers.map(toId))
            break
          case 'begin reading':
            isReading = true
            view.beginReading()
            break
          case 'end reading':
            isReading = false
            view.endReading()
            break
          case 'restart':
            view.restart(model.head)
        }
        assert.equal(view.version, model.head)
        assert.deepEqual(
          ids.map((id) => view.validFrom(id)),
          ids.map((id) => model.validFrom(id))
        )
      }
    }),
    { numRuns: 500 }
  )
})

t.test('nothing holds before the log was read', async (t) => {
  const view = createChangeView()
  t.same([view.version, view.validFrom(toId(1))], [null, null])
})

t.test('an own write is awaited until a reading that began after it has ended', async (t) => {
  const view = createChangeView()
  const id = toId(1)
  view.restart(7)
  view.beginReading()
  view.noteOwnWrite([id])
  view.endReading()
  t.equal(view.validFrom(id), null, 'the reading may have been too early')
  view.beginReading()
  t.equal(view.validFrom(id), null)
  view.beginReading()
  view.apply([{ seq: 8, changes: [change(1)] }])
  t.equal(view.validFrom(id), null, 'a reading that failed does not count')
  view.endReading()
  t.equal(view.validFrom(id), 8)
})

t.test('with many products it forgets the oldest changes, and never claims too much', async (t) => {
  const view = createChangeView()
  const last = new Map<number, number>()
  const order: number[] = []
  view.restart(100)
  let seq = 100
  const apply = (numbers: readonly number[]) => {
    seq++
    view.apply([{ seq, changes: numbers.map(change) }])
    for (const number of numbers) last.set(number, seq)
    order.push(...numbers)
  }
  let tooEarly = 0
  let vague = 0
  for (let row = 0; row < 140; row++) {
    apply(Array.from({ length: 500 }, (_, index) => (row * 500 + index) % 60_000))
    // One that changes all the time.
    apply([70_000])
    const unchangedFrom = view.validFrom(toId(99_999)) ?? Number.NaN
    if (!(unchangedFrom >= 100 && unchangedFrom <= Math.max(100, seq - 39))) vague++
    if (row % 7 > 0) continue
    const recent = new Set(order.slice(-20_000))
    for (const [number, changedAt] of last) {
      const from = view.validFrom(toId(number)) ?? Number.NaN
      if (!(from >= changedAt)) tooEarly++
      if (recent.has(number) && from !== changedAt) vague++
    }
  }
  t.equal(tooEarly, 0)
  t.equal(vague, 0, 'of the latest 20,000 it knows exactly, and of others that they are not among them')
  t.ok((view.validFrom(toId(99_999)) ?? 0) > 100, 'what was never changed may have been, for all it knows')
})

t.test('listeners are told of every change once it shows in the view', async (t) => {
  const view = createChangeView()
  const told: unknown[] = []
  view.onChanged((productIds) => told.push([productIds, productIds?.map((id) => view.validFrom(id)), view.version]))
  view.restart(3)
  view.apply([
    { seq: 4, changes: [change(1), change(2)] },
    { seq: 5, changes: [change(2)] }
  ])
  view.noteOwnWrite([toId(1)])
  t.same(told, [
    [null, undefined, 3],
    [[toId(1), toId(2)], [4, 4], 4],
    [[toId(2)], [5], 5],
    [[toId(1)], [null], 5]
  ])
})
