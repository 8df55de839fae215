import t from 'tap'
import { InvalidEventError, readEffect } from '../../../src/integrations/webhooks/process/read-effect.ts'

const NOW = Date.UTC(2026, 0, 1)

function read(type: string, data: object, occurredAtMs = NOW) {
  return readEffect({ type, eventId: 'e1', occurredAtMs, body: Buffer.from(JSON.stringify({ data })) }, NOW)
}

for (const [type, data, values] of [
  [
    'product.created',
    { name: ' Tea ', price: 1.5 },
    { name: 'Tea', price: '1.50', description: null, category: null, stock: 0, exists: true }
  ],
  [
    'product.created',
    { name: 'Tea', price: '1', description: 'Dark', category: 'Drinks', stock: 3, color: 'black' },
    { name: 'Tea', price: '1.00', description: 'Dark', category: 'Drinks', stock: 3, exists: true }
  ],
  ['product.updated', { description: null, stock: 2 }, { description: null, stock: 2 }],
  ['product.updated', {}, {}],
  ['product.deleted', { name: 'Tea' }, { exists: false }],
  ['product.price_changed', { price: '2.5', stock: 9 }, { price: '2.50' }],
  ['product.stock_changed', { price: '2.5', stock: 0 }, { stock: 0 }]
] as const) {
  t.test(`${type} with ${JSON.stringify(data)}`, async (t) => {
    t.same(read(type, { sku: 'TEA', ...data }), { sku: 'TEA', write: { atMs: NOW, eventId: 'e1', values } })
  })
}

for (const [type, data, message] of [
  ['product.deleted', {}, 'data.sku is required.'],
  ['product.deleted', { sku: null }, 'data.sku is required.'],
  ['product.created', { sku: 'TEA', name: '' }, 'data.price is required; data.name must not be empty.'],
  ['product.updated', { sku: 'TEA', name: null }, 'data.name must be text.'],
  ['product.price_changed', { sku: 'TEA', stock: 2 }, 'data.price is required.'],
  ['product.stock_changed', { sku: 'TEA', stock: -1 }, /^data\.stock must be a whole number/],
  ['product.moved', { sku: 'TEA' }, 'Events of the type product.moved have no effect.']
] as const) {
  t.test(`${type} with ${JSON.stringify(data)} is invalid`, async (t) => {
    t.throws(() => read(type, data), { name: 'InvalidEventError', message })
  })
}

t.test('the clock of a sender may be five minutes ahead', async (t) => {
  t.doesNotThrow(() => read('product.deleted', { sku: 'TEA' }, NOW + 300_000))
  t.throws(() => read('product.deleted', { sku: 'TEA' }, NOW + 300_001), InvalidEventError)
})

t.test('a body is parsed as the receiver parses it, and prices are those of the API', async (t) => {
  const readBody = (data: string) =>
    readEffect(
      { type: 'product.price_changed', eventId: 'e1', occurredAtMs: NOW, body: Buffer.from(`\ufeff{"data":${data}}`) },
      NOW
    )
  t.match(readBody('{"sku":"TEA","price":1.25}'), { write: { values: { price: '1.25' } } })
  for (const price of ['1e1', '12.300000000000000000001']) {
    t.throws(() => readBody(`{"sku":"TEA","price":${price}}`), InvalidEventError, price)
  }
})
