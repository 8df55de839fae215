import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import type { OAuthCredentials } from '../../../src/config/oauth-credentials.ts'
import { createTokenProvider, MAX_TOKEN_RESPONSE_BYTES } from '../../../src/integrations/oauth/token-provider.ts'

const TIMEOUT_MS = 30_000

interface Seen {
  headers: IncomingMessage['headers']
  body: string
}

type Respond = (response: ServerResponse) => void

/** Starts a provider that always gives the same answer, and records its requests. */
async function provider(t: Test, respond: Respond, overrides: Partial<OAuthCredentials> = {}, timeoutMs = TIMEOUT_MS) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    seen.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    respond(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dispatcher = new Agent({ connections: 1, maxResponseSize: MAX_TOKEN_RESPONSE_BYTES })
  t.teardown(async () => {
    await dispatcher.destroy()
    server.closeAllConnections()
    server.close()
  })
  const credentials: OAuthCredentials = {
    ...{ tokenUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`, clientAuth: 'basic' },
    ...{ clientId: 'a:b c', clientSecret: 'p%ss+wörd', scope: undefined, audience: undefined },
    ...overrides
  }
  return { seen, requestToken: createTokenProvider({ credentials, dispatcher, timeoutMs }) }
}

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Respond =>
  (response) =>
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))

const issued = json({ access_token: 'opaque.token/+=', token_type: 'bearer', expires_in: 60 })

t.test('credentials are sent in a header, each part encoded', async (t) => {
  const { seen, requestToken } = await provider(t, issued, { scope: 'a b', audience: 'https://api.example' })
  t.same(await requestToken(), { value: 'opaque.token/+=', usefulMs: 54_000 })
  const basic = Buffer.from('a%3Ab+c:p%25ss%2Bw%C3%B6rd').toString('base64')
  t.match(seen[0]?.headers, {
    authorization: `Basic ${basic}`,
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json'
  })
  t.equal(seen[0]?.body, 'grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi.example')
})

t.test('or in the body', async (t) => {
  const { seen, requestToken } = await provider(t, issued, { clientAuth: 'post' })
  await requestToken()
  t.equal(seen[0]?.headers.authorization, undefined)
  t.equal(seen[0]?.body, 'grant_type=client_credentials&client_id=a%3Ab+c&client_secret=p%25ss%2Bw%C3%B6rd')
})

t.test('responses without a token, and their errors', async (t) => {
  const cases: [name: string, respond: Respond, expected: object][] = [
    ['not JSON', json('<html>'), { kind: 'unavailable', message: /without a token/ }],
    ['null', json('null'), { kind: 'unavailable' }],
    ['no token', json({ token_type: 'bearer' }), { kind: 'unavailable' }],
    ['an empty token', json({ access_token: '' }), { kind: 'unavailable' }],
    ['a token that breaks a header', json({ access_token: 'a\r\nb: c' }), { kind: 'unavailable' }],
    ['another type', json({ access_token: 'a', token_type: 'DPoP' }), { kind: 'unavailable', message: /bearer/ }],
    ['too much', json('x'.repeat(MAX_TOKEN_RESPONSE_BYTES + 1)), { kind: 'unavailable', message: /EXCEEDED/ }],
    ['a redirect', json({}, 307, { location: '/token' }), { kind: 'refused', message: /with 307/ }],
    ['a wrong client', json({ error: 'invalid_client' }, 401), { kind: 'refused', message: /401 invalid_client/ }],
    ['words of its own', json({ error: 'p%ss+wörd' }, 400), { kind: 'refused', message: /with 400\.$/ }],
    ['a fault of its own', json('', 503, { 'retry-after': '7' }), { kind: 'unavailable', retryAfterMs: 7000 }],
    ['too many requests', json('', 429, { 'retry-after': '86400' }), { kind: 'unavailable', retryAfterMs: 60_000 }],
    [
      'a date',
      json('', 429, { 'retry-after': 'Tue, 01 Jan 2999 00:00:00 GMT' }),
      { kind: 'unavailable', retryAfterMs: 60_000 }
    ],
    ['a word', json('', 429, { 'retry-after': 'soon' }), { kind: 'unavailable', retryAfterMs: undefined }],
    ['a reset', (response) => response.destroy(), { kind: 'unavailable' }]
  ]
  for (const [name, respond, expected] of cases) {
    const { requestToken, seen } = await provider(t, respond)
    await t.rejects(requestToken(), { name: 'TokenError', status: 503, ...expected }, name)
    t.equal(seen.length, 1, name)
  }
})

t.test('the time limit covers headers and body together', async (t) => {
  for (const respond of [() => {}, (response: ServerResponse) => response.writeHead(200).write('{')]) {
    const { requestToken } = await provider(t, respond, {}, 100)
    await t.rejects(requestToken(), { kind: 'unavailable', message: /no response within 100 ms/ })
  }
})
