import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  existing,
  mergeWrite,
  overwrite,
  type Registers,
  type RegisterWrite,
  toFields
} from '../../../src/catalogue/products/last-writer-wins.ts'

const tea = { name: 'Tea', description: 'Dark', price: '1.00', category: 'Drinks', stock: 3 }
const write = (atMs: number, values: RegisterWrite['values'], eventId = 'e'): RegisterWrite => ({
  atMs,
  eventId,
  values
})
const merge = (...writes: RegisterWrite[]) => writes.reduce<Registers>(mergeWrite, {})

const values: fc.Arbitrary<RegisterWrite['values']> = fc.oneof(
  fc.record(
    { name: fc.constantFrom('Tea', 'Café'), price: fc.constantFrom('1.00', '2.00'), stock: fc.nat(3) },
    { requiredKeys: [] }
  ),
  fc.constant(existing(tea)),
  fc.constant({ exists: false })
)
/** Times are few, so that there are ties; an event says the same each time. */
const writes = fc
  .array(fc.record({ atMs: fc.nat(3), values }), { maxLength: 8 })
  .map((list) => list.map(({ atMs, values }, number) => write(atMs, values, `e${number}`)))
const deliveries = writes.chain((list) =>
  fc.tuple(
    fc.constant(list),
    fc.array(fc.nat(list.length), { maxLength: 6 }).chain((again) => {
      const all = [...list, ...again.flatMap((place) => list[place] ?? [])]
      return fc.shuffledSubarray(all, { minLength: all.length })
    })
  )
)

t.test('the last writer of each value wins, in any order and with any duplicates', async () => {
  fc.assert(
    fc.property(deliveries, ([once, delivered]) => {
      const registers = merge(...delivered)
      const names = ['name', 'description', 'price', 'category', 'stock', 'exists'] as const
      for (const name of names) {
        const [last] = once
          .filter(({ values }) => values[name] !== undefined)
          .sort((a, b) => b.atMs - a.atMs || (a.eventId < b.eventId ? 1 : -1))
        assert.deepEqual(registers[name], last && [last.values[name], last.atMs, last.eventId], name)
      }
    }),
    { numRuns: 2000 }
  )
})

t.test('a write that is too late changes nothing', async (t) => {
  const registers = merge(write(5, existing(tea)))
  t.equal(mergeWrite(registers, write(5, existing(tea))), registers, 'again')
  t.equal(mergeWrite(registers, write(4, { stock: 9 })), registers, 'older')
  t.equal(mergeWrite(registers, write(5, { stock: 9 }, 'd')), registers, 'of the same time, by the id')
  t.not(mergeWrite(registers, write(5, { stock: 9 }, 'f')), registers)
})

t.test('each field has its own time', async (t) => {
  const registers = merge(write(1, existing(tea)), write(5, { price: '2.00' }), write(4, { stock: 9 }))
  t.same(toFields(registers), { ...tea, price: '2.00', stock: 9 })
})

t.test('updates do not create a product, but apply once it is created', async (t) => {
  const waiting = merge(write(5, { name: 'Assam', price: '2.00' }))
  t.equal(toFields(waiting), undefined)
  t.same(toFields(mergeWrite(waiting, write(1, existing(tea)))), { ...tea, name: 'Assam', price: '2.00' })
})

t.test('a deleted product stays deleted until it is created again', async (t) => {
  const deleted = merge(write(5, { exists: false }), write(1, existing(tea)), write(9, { stock: 1 }))
  t.equal(toFields(deleted), undefined)
  t.same(toFields(mergeWrite(deleted, write(8, existing(tea)))), { ...tea, stock: 1 })
})

t.test('a client overwrites all earlier writes, until a later one arrives', async (t) => {
  const registers = overwrite(merge(write(1, existing(tea)), write(90, { stock: 9 })), { price: '7.00', stock: 7 }, 50)
  t.same(toFields(registers), { ...tea, price: '7.00', stock: 7 })
  t.same(registers.price, ['7.00', 50, ''])
  t.same(registers.stock, [7, 91, ''], 'right after what was dated ahead')
  t.equal(mergeWrite(registers, write(49, { price: '8.00' })), registers)
  t.same(toFields(mergeWrite(registers, write(50, { price: '8.00' })))?.price, '8.00')
})
