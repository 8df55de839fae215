import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { pino } from 'pino'
import t from 'tap'
import { generateKey, redactKeys } from '../../../src/edge/auth/key-format.ts'
import { createAccessLog } from '../../../src/platform/logging/access-log.ts'
import { redact, redactUrl } from '../../../src/platform/logging/redaction.ts'

const redacted = (url: string) => redactUrl(url, redactKeys)

const SECRET = 's3cr3t-of-a-client'

t.test('parameters that look like secrets lose their values, others keep them', async (t) => {
  const urls = {
    [`/a?api_key=${SECRET}&limit=2`]: '/a?api_key=[redacted]&limit=2',
    [`/a?limit=2&access_token=${SECRET}`]: '/a?limit=2&access_token=[redacted]',
    [`/a?X-Signature=${SECRET}&sig=${SECRET}`]: '/a?X-Signature=[redacted]&sig=[redacted]',
    [`/a?PASSWORD=${SECRET}=`]: '/a?PASSWORD=[redacted]',
    [`/a?%61pi%5Fk%65y=${SECRET}`]: '/a?%61pi%5Fk%65y=[redacted]',
    [`/a?Authorization=Bearer%20${SECRET}`]: '/a?Authorization=[redacted]',
    [`http://user:${SECRET}@shop.example/a`]: 'http://[redacted]@shop.example/a',
    '/a?search=key%20ring&category=Tokens': '/a?search=key%20ring&category=Tokens',
    '/a?%zz=1&key': '/a?%zz=1&key',
    '/a/b': '/a/b'
  }
  for (const [url, expected] of Object.entries(urls)) t.equal(redacted(url), expected)
})

t.test('no spelling of a name lets its value through', async (t) => {
  const name = fc.constantFrom('apiKey', 'client_secret', 'token', 'hub.signature', 'session', 'credentials')
  const spelled = name.chain((name) =>
    fc
      .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
      .map((flags) => [...name].map((c, at) => (flags[at] ? `%${c.charCodeAt(0).toString(16)}` : c)).join(''))
  )
  const others = fc.array(fc.string({ unit: fc.constantFrom('a', '%', '4', '=', '&', '?') }), { maxLength: 3 })
  fc.assert(
    fc.property(spelled, others, others, (name, before, after) => {
      const url = `/a?${[...before, `${name}=${SECRET}`, ...after].join('&')}`
      t.notMatch(redacted(url), SECRET, url)
    })
  )
})

t.test('an API key is not written, wherever it is in a URL', async (t) => {
  const key = generateKey(randomBytes)
  t.equal(redacted(`/a/${key}?search=${key}&api_key=${key}`), '/a/[redacted]?search=[redacted]&api_key=[redacted]')
  for (let at = 940; at <= 1024; at++)
    t.notMatch(redacted(`/${'x'.repeat(at)}/${key}`), key.slice(0, 7), 'nor what is left of one that was cut')
})

t.test('a long URL is cut, and quickly', async (t) => {
  const long = redacted(`/a?${'key'.repeat(1_000_000)}`)
  t.ok(long.length <= 1025)
  t.ok(long.endsWith('…'))
  t.notMatch(redacted(`/a?${'x'.repeat(1000)}&token=${SECRET}`), SECRET.slice(0, 4))
})

t.test('neither the line of a request nor that of an error shows a secret', async (t) => {
  const lines: string[] = []
  const stream = { append: (_level: number, line: string) => void lines.push(line) }
  createAccessLog({ stream, level: 'info', withoutKeys: redactKeys })({
    requestId: 'k3v9q2xw-1f',
    method: 'GET',
    url: `/api/v1/products?api_key=${SECRET}`,
    route: '/api/v1/products',
    status: 500,
    durationMs: 1,
    keyId: 'key-1',
    cache: null,
    aborted: false
  })
  const log = pino({ redact }, { write: (line: string) => void lines.push(line) })
  const names = ['authorization', 'x-api-key', 'cookie', 'set-cookie', 'proxy-authorization', 'x-webhook-signature']
  const headers = Object.fromEntries([...names.map((name) => [name, SECRET]), ['accept', 'text/plain']])
  log.error({ headers }, 'at the top')
  for (const holder of ['req', 'request', 'res', 'response']) log.error({ [holder]: { headers } }, holder)
  log.error({ err: Object.assign(new Error('boom'), { headers }) }, 'an error with headers')
  for (const holder of ['request', 'response', 'options'])
    log.error({ err: Object.assign(new Error('boom'), { [holder]: { headers } }) }, `an error with its ${holder}`)
  t.equal(lines.length, 10)
  for (const line of lines) {
    t.notMatch(line, SECRET)
    t.match(line, '[redacted]')
  }
  t.match(lines[1], 'text/plain', 'the rest stays')
})
