import fc from 'fast-check'
import t from 'tap'
import { codingOf } from '../../../src/platform/http/content-coding.ts'

const CODINGS = ['br', 'gzip', 'identity'] as const
const list = { body: Buffer.alloc(5000, 'x'), etag: 'W/"1"' }
const prefer = (acceptEncoding?: string) => codingOf(list, acceptEncoding)

t.test('a client gets the coding that it likes best', async (t) => {
  const cases: [acceptEncoding: string | undefined, coding: string][] = [
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate', 'gzip'],
    ['GZip', 'gzip'],
    ['BR;Q=0.5, GZIP;Q=1', 'gzip'],
    ['br;q=0.5,gzip;q=0.8', 'gzip'],
    ['br ; q=0.001 , gzip;q=0', 'br'],
    ['identity, gzip;q=0.9', 'identity'],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
    ['gzip, *;q=0', 'gzip'],
    ['deflate, *;q=0.1', 'br'],
    ['gzip;q=0', 'identity'],
    ['br;q=0, *', 'gzip'],
    ['br;q=0, gzip;q=0, *', 'identity'],
    ['identity;q=0', 'identity'],
    ['deflate, zstd, x', 'identity'],
    ['gzipped, brotli', 'identity'],
    ['gzip;q=x', 'identity'],
    ['gzip;q=', 'identity'],
    [',;,q=1;=;,', 'identity'],
    ['__proto__, constructor', 'identity']
  ]
  for (const [acceptEncoding, coding] of cases) t.equal(prefer(acceptEncoding), coding, `${acceptEncoding}`)
})

t.test('whatever is asked for, it is what RFC 9110 says', async () => {
  const quality = fc.constantFrom('', ';q=0', ';q=0.0', ';q=0.3', '; q=0.5', ';q=0.500', ' ;q=1', ';q=1.000')
  const item = fc.tuple(fc.constantFrom('br', 'gzip', 'identity', '*', 'deflate', 'GZIP'), quality)
  const field = fc.uniqueArray(item, { selector: ([coding]) => coding.toLowerCase(), maxLength: 5 })
  fc.assert(
    fc.property(field, (items) => {
      const qualities = new Map(
        items.map(([coding, text]) => [coding.toLowerCase(), text === '' ? 1 : Number(text.split('=')[1])])
      )
      const chosen = prefer(items.map((item) => item.join('')).join(', '))
      const qualityOf = (coding: string) => qualities.get(coding) ?? qualities.get('*')
      const acceptable = CODINGS.filter((coding) => (qualityOf(coding) ?? 0) > 0)
      if (acceptable.length === 0) return chosen === 'identity'
      const best = Math.max(...acceptable.map((coding) => qualityOf(coding) ?? 0))
      return chosen === acceptable.find((coding) => qualityOf(coding) === best)
    }),
    { numRuns: 1000 }
  )
})

t.test('small answers and those with a strong entity tag are sent as they are', async (t) => {
  t.equal(codingOf({ ...list, etag: '"1"' }, 'gzip'), 'identity')
  t.equal(codingOf({ ...list, body: Buffer.alloc(500) }, 'gzip'), 'identity')
})
