import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { decodeCursor, encodeCursor, fingerprintQuery } from '../../../src/catalogue/listing/query/cursor.ts'

const position = fc.record({
  value: fc.string({ unit: 'grapheme', maxLength: 255 }),
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
  inclusive: fc.boolean(),
  backward: fc.boolean()
})
const query = fingerprintQuery({ sort: 'price' })

t.test('decoding a cursor gives the position that was encoded', async () => {
  fc.assert(
    fc.property(position, (written) => {
      assert.deepEqual(decodeCursor(encodeCursor(written, query), query), { ...written })
    })
  )
})

t.test('a cursor that was changed in any way is refused', async () => {
  fc.assert(
    fc.property(
      position,
      fc.nat(),
      fc.constantFrom('A', 'z', '_', '-', '=', '+', '/', ' ', 'é', ''),
      (written, at, char) => {
        const cursor = encodeCursor(written, query)
        const index = at % cursor.length
        const changed = cursor.slice(0, index) + char + cursor.slice(index + 1)
        fc.pre(changed !== cursor)
        assert.throws(() => decodeCursor(changed, query), { code: 'invalid-cursor', status: 400 })
      }
    ),
    { numRuns: 1000 }
  )
})

t.test('text that is no cursor is refused', async () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.throws(() => decodeCursor(text, query), { code: 'invalid-cursor' })
    })
  )
})

t.test('a cursor of another query has an error code of its own', async (t) => {
  const cursor = encodeCursor({ value: '1.00', id: Buffer.alloc(16), inclusive: false, backward: false }, query)
  t.throws(() => decodeCursor(cursor, fingerprintQuery({ sort: 'name' })), { code: 'cursor-mismatch' })
})

t.test('a cursor of another version is refused', async (t) => {
  const cursor = Buffer.from(
    encodeCursor({ value: '', id: Buffer.alloc(16), inclusive: false, backward: false }, query),
    'base64url'
  )
  cursor[0] = 2
  t.throws(() => decodeCursor(cursor.toString('base64url'), query), { code: 'invalid-cursor' })
})

t.test('cursors given out by earlier releases are still read', async (t) => {
  const query = fingerprintQuery(['price', 'tea'])
  const id = Buffer.from('0190a1b2c3d47e5f8a9b0c1d2e3f4a5b', 'hex')
  const cursors = {
    'AQESMOn2D8e-xQGQobLD1H5fipsMHS4_SlsxMi41MGIxTjq4zWtL': { value: '12.50', id, inclusive: false, backward: true },
    'AQISMOn2D8e-xQGQobLD1H5fipsMHS4_SltUaMOpIHZlcnRY4Rx7cI9Y0g': {
      value: 'Thé vert',
      id,
      inclusive: true,
      backward: false
    }
  }
  for (const [cursor, position] of Object.entries(cursors)) {
    t.same(decodeCursor(cursor, query), position)
    t.equal(encodeCursor(position, query), cursor, 'and are written by this one')
  }
})
