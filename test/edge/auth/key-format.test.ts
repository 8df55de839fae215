import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { generateKey, hashKey, isWellFormed } from '../../../src/edge/auth/key-format.ts'

const LENGTH = 44
const CHECKSUM_AT = 38
const character = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
const key = fc.infiniteStream(fc.integer({ min: 0, max: 255 })).map((bytes) => {
  return generateKey((size) => Uint8Array.from({ length: size }, () => bytes.next().value ?? 0))
})

t.test('a key has its prefix, 32 random characters and a checksum', async (t) => {
  fc.assert(
    fc.property(key, (key) => {
      t.match(key, /^aisle_[0-9A-Za-z]{38}$/)
      t.ok(isWellFormed(key))
    })
  )
  t.equal(
    generateKey(() => Uint8Array.of(0)),
    'aisle_0000000000000000000000000000000029L3It',
    'the form does not change: keys live long'
  )
})

t.test('all characters are equally likely', async (t) => {
  let byte = 0
  const counts = new Map<string, number>()
  // Every byte as often as every other.
  for (let round = 0; round < 248; round++) {
    const random = generateKey(() => Uint8Array.of(byte++ % 256)).slice(6, CHECKSUM_AT)
    for (const character of random) counts.set(character, (counts.get(character) ?? 0) + 1)
  }
  t.same([...new Set(counts.values())], [128])
  t.equal(counts.size, 62)
})

t.test('one wrong character is always detected', async (t) => {
  fc.assert(
    fc.property(key, fc.nat(LENGTH - 1), character, (key, at, wrong) => {
      fc.pre(key[at] !== wrong)
      t.notOk(isWellFormed(key.slice(0, at) + wrong + key.slice(at + 1)))
    }),
    { numRuns: 2000 }
  )
})

t.test('two swapped neighbours are always detected, unless only one is in the checksum', async (t) => {
  fc.assert(
    fc.property(key, fc.nat(LENGTH - 2), (key, at) => {
      const [one = '', other = ''] = key.slice(at)
      fc.pre(one !== other && at + 1 !== CHECKSUM_AT)
      t.notOk(isWellFormed(key.slice(0, at) + other + one + key.slice(at + 2)))
    }),
    { numRuns: 2000 }
  )
})

t.test('only the exact key is well-formed', async (t) => {
  const key = generateKey(randomBytes)
  const others = {
    'too short': key.slice(0, -1),
    'too long': `${key}0`,
    'with a space before it': ` ${key}`,
    'with a line end after it': `${key}\n`,
    'twice, as Node joins fields': `${key}, ${key}`,
    'another prefix': key.replace('aisle_', 'isle__'),
    'a prefix in capitals': key.replace('aisle_', 'AISLE_'),
    'in capitals': key.toUpperCase(),
    'in small letters': key.toLowerCase(),
    'digits that are none of ASCII': key.replace(/.$/, '٣'),
    'the prefix alone': 'aisle_',
    nothing: ''
  }
  for (const [what, text] of Object.entries(others)) t.notOk(isWellFormed(text), what)
  t.ok(isWellFormed(key))
})

t.test('the hash is SHA-256', async (t) => {
  t.equal(hashKey('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
