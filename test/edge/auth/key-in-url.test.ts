import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { generateKey } from '../../../src/edge/auth/key-format.ts'
import { hasKey, withoutKeys } from '../../../src/edge/auth/key-in-url.ts'

const KEY = generateKey(randomBytes)
const CENSORED = '/a?x=1&k=[redacted]&y=2'

/** Some of the characters percent-encoded, each of them so many times. */
function encode(text: string, depths: readonly number[]): string {
  return Array.from(text, (character, at) => {
    const depth = depths[at % depths.length] ?? 0
    return depth === 0 ? character : `%${'25'.repeat(depth - 1)}${character.charCodeAt(0).toString(16)}`
  }).join('')
}

t.test('a key is found wherever it is, however it is spelt', async (t) => {
  const depths = fc.array(fc.nat(3), { minLength: 1, maxLength: KEY.length })
  fc.assert(
    fc.property(depths, fc.boolean(), (depths, isUpperCase) => {
      const spelt = encode(KEY, depths).replace(/%\w\w/g, (code) => (isUpperCase ? code.toUpperCase() : code))
      t.ok(hasKey(`/a?x=1&k=${spelt}&y=2`))
      t.equal(withoutKeys(`/a?x=1&k=${spelt}&y=2`), CENSORED)
    })
  )
  for (const url of [`/${KEY}/a`, `/a?${KEY}`, `/a?${KEY}=1`, `http://${KEY}@shop.example/`]) {
    t.ok(hasKey(url), url)
    t.notMatch(withoutKeys(url), KEY.slice(10))
  }
  t.equal(withoutKeys(`/${KEY}?k=${KEY}`), '/[redacted]?k=[redacted]', 'as often as it is there')
})

t.test('what only looks like one is redacted, and not refused', async (t) => {
  for (const text of [KEY.toUpperCase(), KEY.slice(0, -1), `aisle_${'0'.repeat(38)}`]) {
    t.equal(withoutKeys(`/a?cursor=${text}`), '/a?cursor=[redacted]')
    t.notOk(hasKey(`/a?cursor=${text}`), text)
  }
  t.ok(hasKey(`/a?cursor=${KEY}0`), 'a key, and more')
})

t.test('so is most of one, and nothing else', async (t) => {
  t.equal(withoutKeys(`/a?k=${KEY.slice(0, 26)}`), '/a?k=[redacted]')
  for (const url of [`/a?k=${KEY.slice(0, 25)}`, '/aisle_4', '/api/v1/products?search=aisle%20seven', '/a%', '/']) {
    t.notOk(hasKey(url), url)
    t.equal(withoutKeys(url), url)
  }
})

t.test('where a URL was cut off, nothing is left of a key', async (t) => {
  const spelt = encode(`/a?k=${KEY}`, [0, 1])
  for (let length = encode('/a?k=aisle_', [0, 1]).length; length <= spelt.length; length++)
    t.equal(withoutKeys(spelt.slice(0, length), true), encode('/a?k=', [0, 1]).concat('[redacted]'))
})

t.test('its work grows with the length of a URL, and no faster', async (t) => {
  for (const part of ['%25', 'aisle_', '%61', 'aisle_%25', 'aisle_00000000000000']) {
    const url = part.repeat(200_000)
    t.equal(hasKey(url), false, part)
    t.type(withoutKeys(url, true), 'string')
  }
})
