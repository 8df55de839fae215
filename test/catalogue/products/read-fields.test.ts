import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { ProductField } from '../../../schemas/product-fields.ts'
import { readProductFields } from '../../../src/catalogue/products/fields.ts'

const read = (input: Partial<Record<ProductField, unknown>>) => readProductFields(input)
const detailOf = (field: ProductField, value: unknown) => {
  const reading = read({ [field]: value })
  return 'faults' in reading ? reading.faults[0]?.detail : undefined
}

t.test('fields are read into their stored form', async (t) => {
  t.same(
    read({ sku: ' A-1 ', name: ' Tea\t\n loose ', description: '', price: 12.5, category: '\u00a0', stock: '007' }),
    { fields: { sku: 'A-1', name: 'Tea loose', description: null, price: '12.50', category: null, stock: 7 } }
  )
  t.same(read({ sku: null, description: null, category: null }), {
    fields: { sku: null, description: null, category: null }
  })
  t.same(read({}), { fields: {} }, 'what is not there stays away')
  t.same(read({ name: undefined, stock: 3 }), { fields: { stock: 3 } })
})

t.test('prices', async (t) => {
  const good = { '0': '0.00', '12': '12.00', '12.5': '12.50', '0.07': '0.07', ' 99999999.99 ': '99999999.99' }
  for (const [text, price] of Object.entries(good)) {
    t.same(read({ price: text }), { fields: { price } })
    t.same(read({ price: Number(text) }), { fields: { price } })
  }
  const bad = [
    '',
    '1.234',
    '100000000',
    '-1',
    '1,50',
    '1e3',
    '.5',
    '5.',
    '€5',
    1.234,
    1e8,
    -0.01,
    1e-7,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    true,
    {}
  ]
  for (const price of bad) {
    t.equal(detailOf('price', price), 'must be a decimal from 0 to 99999999.99 with at most two decimals')
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_999_999_999 }), (cents) => {
      const price = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
      assert.deepEqual(read({ price: cents / 100 }), { fields: { price } })
      assert.deepEqual(read({ price }), { fields: { price } })
    })
  )
})

t.test('stocks', async (t) => {
  t.same(read({ stock: '2147483647' }), { fields: { stock: 2_147_483_647 } })
  for (const stock of ['', '1.5', '-1', '2147483648', '1e3', 'many', 1.5, -1, 2_147_483_648, Number.NaN, null, [1]]) {
    t.equal(detailOf('stock', stock), 'must be a whole number from 0 to 2147483647')
  }
})

t.test('texts', async (t) => {
  for (const name of ['', ' \t\u0000', '\u2003']) t.equal(detailOf('name', name), 'must not be empty')
  for (const name of [null, 5, ['a'], {}]) t.equal(detailOf('name', name), 'must be text')
  t.equal(detailOf('name', 'a\ud800'), 'must be valid Unicode')
  t.equal(detailOf('name', '🍵'.repeat(256)), 'must have at most 255 characters')
  t.same(read({ name: ` ${'🍵'.repeat(255)} ` }), { fields: { name: '🍵'.repeat(255) } })
  t.equal(detailOf('description', 'x'.repeat(5001)), 'must have at most 5000 characters')
  t.equal(detailOf('category', 'x'.repeat(101)), 'must have at most 100 characters')
  t.equal(detailOf('description', 5), 'must be text')
})

t.test('skus', async (t) => {
  t.equal(detailOf('sku', ''), 'must not be empty')
  for (const sku of ['é', 'x'.repeat(65)]) t.equal(detailOf('sku', sku), 'must be 1 to 64 printable ASCII characters')
  t.same(read({ sku: 'x'.repeat(64) }), { fields: { sku: 'x'.repeat(64) } })
})

t.test('every fault is reported', async (t) => {
  const reading = read({ name: '', price: 'free', stock: -1, category: 'fine' })
  t.same('faults' in reading && reading.faults.map(({ field }) => field), ['name', 'price', 'stock'])
})
