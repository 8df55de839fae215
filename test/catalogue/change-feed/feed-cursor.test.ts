import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  BEGINNING,
  decodeFeedCursor,
  encodeFeedCursor,
  rowStamp
} from '../../../src/catalogue/change-feed/feed-cursor.ts'

const position = fc.record({
  seq: fc.nat({ max: 2 ** 48 - 1 }),
  taken: fc.nat({ max: 2 ** 16 - 1 }),
  stamp: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes))
})
const refused = { code: 'invalid-cursor', status: 400, errors: [{ parameter: 'since' }] }

t.test('a cursor decodes to what was encoded', async () => {
  fc.assert(
    fc.property(position, (written) => {
      assert.deepEqual(decodeFeedCursor(encodeFeedCursor(written)), { ...written })
    })
  )
})

t.test('a cursor with any bit changed is refused', async () => {
  fc.assert(
    fc.property(position, fc.nat({ max: 199 }), (written, bit) => {
      const bytes = Buffer.from(encodeFeedCursor(written), 'base64url')
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.throws(() => decodeFeedCursor(bytes.toString('base64url')), { code: 'invalid-cursor' })
    }),
    { numRuns: 2000 }
  )
})

t.test('a cursor in another spelling, or other text, is refused', async (t) => {
  fc.assert(
    fc.property(
      position,
      fc.nat(),
      fc.constantFrom('A', 'z', '_', '-', '=', '+', '/', ' ', 'é', ''),
      (written, at, char) => {
        const cursor = encodeFeedCursor(written)
        const index = at % cursor.length
        const changed = cursor.slice(0, index) + char + cursor.slice(index + 1)
        fc.pre(changed !== cursor)
        assert.throws(() => decodeFeedCursor(changed), { code: 'invalid-cursor' })
      }
    ),
    { numRuns: 1000 }
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.throws(() => decodeFeedCursor(text), { code: 'invalid-cursor' })
    })
  )
  t.throws(() => decodeFeedCursor(''), refused)
})

t.test('cursors given out by earlier releases are still read', async (t) => {
  const stamp = rowStamp({ id: 42, changedAt: '2026-02-03 04:05:06.789' })
  const cursors = {
    AQAAAAAAAAAAAAAAAAAAAABmMDGWqXwGDA: BEGINNING,
    AQBBiTdLxgHz9A3CI8GSM9E4SUhUpMzCEg: { seq: 281_474_976_710, taken: 499, stamp }
  }
  for (const [cursor, position] of Object.entries(cursors)) {
    t.same(decodeFeedCursor(cursor), position)
    t.equal(encodeFeedCursor(position), cursor, 'and are written by this one')
  }
})
