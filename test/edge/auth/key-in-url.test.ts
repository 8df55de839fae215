import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { generateKey, hasKeyInUrl, redactKeys } from '../../../src/edge/auth/key-format.ts'

const KEY = generateKey(randomBytes)
const CENSORED = '/a?x=1&k=[redacted]&y=2'

/** Percent-encodes the characters at the places where the pattern, repeated, is true. */
function encode(text: string, pattern: readonly boolean[]): string {
  return Array.from(text, (character, at) =>
    pattern[at % pattern.length] ? `%${character.charCodeAt(0).toString(16)}` : character
  ).join('')
}

t.test('a key is found anywhere in a URL, plain or percent-encoded', async (t) => {
  const pattern = fc.array(fc.boolean(), { minLength: 1, maxLength: KEY.length })
  fc.assert(
    fc.property(pattern, fc.boolean(), (pattern, isUpperCase) => {
      const spelt = encode(KEY, pattern).replace(/%\w\w/g, (code) => (isUpperCase ? code.toUpperCase() : code))
      t.ok(hasKeyInUrl(`/a?x=1&k=${spelt}&y=2`))
      t.equal(redactKeys(`/a?x=1&k=${spelt}&y=2`), CENSORED)
    })
  )
  for (const url of [`/${KEY}/a`, `/a?${KEY}`, `/a?${KEY}=1`, `http://${KEY}@shop.example/`]) {
    t.ok(hasKeyInUrl(url), url)
    t.notMatch(redactKeys(url), KEY.slice(10))
  }
  t.equal(redactKeys(`/${KEY}?k=${KEY}`), '/[redacted]?k=[redacted]', 'as often as it is there')
})

t.test('text that only looks like a key is redacted, but not refused', async (t) => {
  for (const text of [KEY.toUpperCase(), KEY.slice(0, -1), `aisle_${'0'.repeat(38)}`]) {
    t.equal(redactKeys(`/a?cursor=${text}`), '/a?cursor=[redacted]')
    t.notOk(hasKeyInUrl(`/a?cursor=${text}`), text)
  }
  t.ok(hasKeyInUrl(`/a?cursor=${KEY}0`), 'a key, and more')
})

t.test('most of a key is redacted, and nothing else', async (t) => {
  t.equal(redactKeys(`/a?k=${KEY.slice(0, 26)}`), '/a?k=[redacted]')
  for (const url of [`/a?k=${KEY.slice(0, 25)}`, '/aisle_4', '/api/v1/products?search=aisle%20seven', '/a%', '/']) {
    t.notOk(hasKeyInUrl(url), url)
    t.equal(redactKeys(url), url)
  }
})

t.test('nothing of a key is left at the end of a URL that was cut off', async (t) => {
  const spelt = encode(`/a?k=${KEY}`, [false, true])
  for (let length = encode('/a?k=aisle_', [false, true]).length; length <= spelt.length; length++)
    t.equal(redactKeys(spelt.slice(0, length), true), encode('/a?k=', [false, true]).concat('[redacted]'))
})

t.test('the work is linear in the length of a URL', async (t) => {
  for (const part of ['%25', 'aisle_', '%61', 'aisle_%25', 'aisle_00000000000000']) {
    const url = part.repeat(200_000)
    t.equal(hasKeyInUrl(url), false, part)
    t.type(redactKeys(url, true), 'string')
  }
})
