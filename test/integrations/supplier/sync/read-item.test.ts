import t from 'tap'
import { mergeWrite } from '../../../../src/catalogue/products/last-writer-wins.ts'
import { readItem } from '../../../../src/integrations/supplier/sync/read-item.ts'

const NOW_MS = Date.UTC(2026, 0, 2)
const item = { sku: 'TEA', name: ' Tea ', price: 1.5, updatedAt: '2026-01-01T01:00:00.5+01:00' }

function writeOf(value: unknown, page = 0, index = 0) {
  const read = readItem(value, { page, index }, NOW_MS)
  if ('detail' in read) throw new Error(read.detail)
  return read
}

t.test('an item is a write of its fields, as of its updatedAt', async (t) => {
  t.match(writeOf(item), { sku: 'TEA', write: { atMs: Date.UTC(2026, 0, 1) + 500 } })
  t.same(writeOf(item).write.values, { exists: true, name: 'Tea', price: '1.50' })
  const full = { ...item, description: null, category: 'Drinks', stock: 3, deleted: false }
  t.same(writeOf(full).write.values, {
    ...{ exists: true, name: 'Tea', price: '1.50', description: null, category: 'Drinks', stock: 3 }
  })
  t.same(writeOf({ sku: 'TEA', updatedAt: item.updatedAt, deleted: true, price: 'gone' }).write.values, {
    exists: false
  })
})

t.test('of writes with one timestamp, an item wins against every event and every earlier item', async (t) => {
  const { atMs } = writeOf(item).write
  const event = { atMs, eventId: '~'.repeat(190), values: { price: '2.00' } }
  const ours = { atMs, eventId: '', values: { price: '3.00' } }
  const writes = [
    ours,
    event,
    ...[
      [0, 0],
      [0, 1],
      [0, 10],
      [9, 0],
      [10, 0],
      [1e6, 0]
    ].map(([page, index]) => {
      return writeOf({ ...item, price: `${page}.${index}` }, page, index).write
    })
  ]
  for (const [place, write] of writes.entries()) {
    for (const [otherPlace, other] of writes.entries()) {
      const { price } = mergeWrite(mergeWrite({}, write), other)
      t.equal(price?.[0], writes[Math.max(place, otherPlace)]?.values.price)
    }
  }
})
