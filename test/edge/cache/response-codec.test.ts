import fc from 'fast-check'
import t from 'tap'
import type { CachedResponse } from '../../../src/edge/cache/cached-response.ts'
import { decodeResponse, encodeResponse } from '../../../src/edge/cache/redis-cache.ts'

const key = fc.string({ minLength: 1, maxLength: 60 })
const version = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const response: fc.Arbitrary<CachedResponse> = fc.record(
  {
    body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    etag: text,
    link: text,
    lastModified: text
  },
  { requiredKeys: ['body', 'etag'] }
)

t.test('any response is decoded as it was encoded', async () => {
  fc.assert(
    fc.property(key, version, response, (key, version, response) => {
      const decoded = decodeResponse(key, version, encodeResponse(key, version, response))
      if (decoded === undefined) return false
      return decoded.body.equals(response.body) && isSameHead(decoded, response)
    })
  )
})

t.test('bytes that were changed, cut off or extended are refused', async () => {
  fc.assert(
    fc.property(
      key,
      version,
      response,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (key, version, response, at, flip) => {
        const bytes = encodeResponse(key, version, response)
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
        return damaged.every((bytes) => decodeResponse(key, version, bytes) === undefined)
      }
    )
  )
})

t.test('random bytes are refused, however few', async () => {
  fc.assert(
    fc.property(key, version, fc.uint8Array({ maxLength: 64 }), (key, version, bytes) => {
      return decodeResponse(key, version, Buffer.from(bytes)) === undefined
    })
  )
})

t.test('the bytes of another key or version are refused', async () => {
  fc.assert(
    fc.property(key, version, key, version, response, (key, version, otherKey, otherVersion, response) => {
      const bytes = encodeResponse(key, version, response)
      const isKeyRefused = otherKey === key || decodeResponse(otherKey, version, bytes) === undefined
      const isVersionRefused = otherVersion === version || decodeResponse(key, otherVersion, bytes) === undefined
      return isKeyRefused && isVersionRefused
    })
  )
})

function isSameHead({ body: _, ...decoded }: CachedResponse, { body: __, ...head }: CachedResponse): boolean {
  return JSON.stringify(Object.entries(decoded).sort()) === JSON.stringify(Object.entries(head).sort())
}
