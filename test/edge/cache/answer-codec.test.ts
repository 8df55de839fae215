import fc from 'fast-check'
import t from 'tap'
import { decodeAnswer, encodeAnswer } from '../../../src/edge/cache/answer-codec.ts'
import type { Answer } from '../../../src/edge/cache/cached-body.ts'

const key = fc.string({ minLength: 1, maxLength: 60 })
const version = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const answer: fc.Arbitrary<Answer> = fc.record(
  {
    body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    etag: text,
    link: text,
    lastModified: text
  },
  { requiredKeys: ['body', 'etag'] }
)

t.test('any answer comes back as it was', async () => {
  fc.assert(
    fc.property(key, version, answer, (key, version, answer) => {
      const decoded = decodeAnswer(key, version, encodeAnswer(key, version, answer))
      if (decoded === undefined) return false
      return decoded.body.equals(answer.body) && isSameHead(decoded, answer)
    })
  )
})

t.test('bytes that were changed, cut off or added to are refused', async () => {
  fc.assert(
    fc.property(key, version, answer, fc.nat(), fc.integer({ min: 1, max: 255 }), (key, version, answer, at, flip) => {
      const bytes = encodeAnswer(key, version, answer)
      const place = at % bytes.length
      const changed = Buffer.from(bytes)
      changed[place] = (changed[place] ?? 0) ^ flip
      const damaged = [
        changed,
        bytes.subarray(0, place),
        bytes.subarray(place + 1),
        Buffer.concat([bytes, Buffer.of(flip)]),
        Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)])
      ]
      return damaged.every((bytes) => decodeAnswer(key, version, bytes) === undefined)
    })
  )
})

t.test('bytes at random are refused, however few', async () => {
  fc.assert(
    fc.property(key, version, fc.uint8Array({ maxLength: 64 }), (key, version, bytes) => {
      return decodeAnswer(key, version, Buffer.from(bytes)) === undefined
    })
  )
})

t.test('what belongs to another key or version is refused', async () => {
  fc.assert(
    fc.property(key, version, key, version, answer, (key, version, otherKey, otherVersion, answer) => {
      const bytes = encodeAnswer(key, version, answer)
      const isKeyRefused = otherKey === key || decodeAnswer(otherKey, version, bytes) === undefined
      const isVersionRefused = otherVersion === version || decodeAnswer(key, otherVersion, bytes) === undefined
      return isKeyRefused && isVersionRefused
    })
  )
})

function isSameHead({ body: _, ...decoded }: Answer, { body: __, ...head }: Answer): boolean {
  return JSON.stringify(Object.entries(decoded).sort()) === JSON.stringify(Object.entries(head).sort())
}
