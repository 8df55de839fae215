import t from 'tap'
import { testApp } from '../support/test-app.ts'
import { testConfig } from '../support/test-config.ts'

const open = await testApp(t)
const restricted = await testApp(
  t,
  await testConfig(t, { CORS_ORIGINS: 'https://shop.example, https://admin.example' })
)
const PATH = '/api/v1/products'

t.test('every response has the security headers, errors too', async (t) => {
  for (const url of [PATH, `${PATH}?limit=0`, '/nothing', '/%zz', '/health/liveness', '/openapi.json']) {
    const { headers } = await open.inject(url)
    t.match(headers, {
      'content-security-policy': /^default-src 'none'/,
      'x-content-type-options': 'nosniff',
      'strict-transport-security': /max-age/,
      'referrer-policy': 'no-referrer',
      'x-request-id': /^[\w-]{8,}$/
    })
  }
})

t.test('the reference page may load its own files, and nothing else', async (t) => {
  const { headers, body } = await open.inject('/docs')
  t.match(headers['content-type'], 'text/html')
  const policy = String(headers['content-security-policy'])
  t.match(policy, "default-src 'none'")
  t.match(policy, "script-src 'self'")
  t.notMatch(policy, /unsafe|https?:/)
  t.notMatch(body, /<script>|<style>|https?:\/\//, 'nothing inline, nothing from elsewhere')
  for (const [, path] of body.matchAll(/(?:src|href)="([^"]+)"/g))
    t.equal((await open.inject(path ?? '')).statusCode, 200, `${path} is there`)
})

t.test('any origin may read if all are allowed', async (t) => {
  const { headers } = await open.inject({ url: PATH, headers: { origin: 'https://anywhere.example' } })
  t.equal(headers['access-control-allow-origin'], '*')
  t.match(headers['access-control-expose-headers'], /ETag.*Link.*X-Request-Id/)
})

t.test('only the configured origins may read, and Vary says so', async (t) => {
  const from = (origin?: string) => restricted.inject({ url: PATH, headers: origin ? { origin } : {} })
  t.match((await from('https://shop.example')).headers, {
    'access-control-allow-origin': 'https://shop.example',
    vary: 'Origin'
  })
  for (const origin of ['https://evil.example', 'https://shop.example.evil.example', 'null', undefined]) {
    const { headers } = await from(origin)
    t.equal(headers['access-control-allow-origin'], undefined)
    t.match(headers.vary, 'Origin')
  }
})

t.test('preflight requests are answered', async (t) => {
  const preflight = (app: typeof open, origin: string) =>
    app.inject({
      method: 'OPTIONS',
      url: PATH,
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-api-key' }
    })
  const answer = await preflight(open, 'https://anywhere.example')
  t.equal(answer.statusCode, 204)
  t.match(answer.headers, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': /PUT/,
    'access-control-allow-headers': 'x-api-key'
  })
  t.equal(
    (await preflight(restricted, 'https://shop.example')).headers['access-control-allow-origin'],
    'https://shop.example'
  )
  t.equal((await preflight(restricted, 'https://evil.example')).headers['access-control-allow-origin'], undefined)
})

t.test('a well-formed request id is kept, any other is replaced', async (t) => {
  const ask = async (id: string) =>
    (await open.inject({ url: PATH, headers: { 'x-request-id': id } })).headers['x-request-id']
  t.equal(await ask('order-42_abcdef'), 'order-42_abcdef')
  for (const id of ['short', 'with space', 'x'.repeat(129), 'semi;colon', 'né']) t.not(await ask(id), id)
  t.not(await ask('short'), await ask('short'))
})
