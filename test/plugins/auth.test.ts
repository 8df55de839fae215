import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { type App, buildApp } from '../../src/app.ts'
import { revokeKey } from '../../src/edge/auth/create-and-revoke-keys.ts'
import { countedDatabase } from '../support/counted-database.ts'
import { exchange, listen } from '../support/exchange.ts'
import { makeKey, unknownKey } from '../support/make-key.ts'
import { testConfig, testConnection } from '../support/test-config.ts'

/** Of the key ring. */
const TRUST_MS = 900
const LIST = '/api/v1/products'
const folder = t.testdir()
const config = await testConfig(t, { LOG_LEVEL: 'info', LOG_FILE_PATH: join(folder, 'aisle.log') })
const connection = await testConnection(t, config)
const app = await extendedApp(config)
const closed = await extendedApp({
  ...config,
  log: { ...config.log, filePath: undefined, level: 'silent' },
  auth: { publicRead: false }
})
const url = await listen(app)

const reader = await makeKey(connection)
const writer = await makeKey(connection, { scopes: ['products:write'], limit: { max: 5, windowMs: 1000 } })
const operator = await makeKey(connection, { scopes: ['ops:read'] })
const revoked = await makeKey(connection)
await revokeKey(connection, revoked.id, Date.now())

async function extendedApp(ownConfig: typeof config): Promise<App> {
  const app = await buildApp(ownConfig)
  t.teardown(() => app.close())
  app.get('/who', { config: { access: 'public-read' } }, async ({ apiKey, keyId }) => ({ ...apiKey, keyId }))
  app.get('/export', { config: { access: 'any-key' } }, async () => 'all of it')
  app.post('/write', { config: { access: 'products:write' } }, async () => 'written')
  await app.ready()
  return app
}

const get = (path: string, key?: string, application = app) =>
  application.inject({ url: path, headers: key === undefined ? {} : { 'x-api-key': key } })

function isProblem(t: Test, answer: LightMyRequestResponse, status: number, code: string, challenge?: string) {
  t.equal(answer.statusCode, status)
  t.equal(answer.headers['www-authenticate'], challenge)
  t.match(answer.headers['content-type'], 'application/problem+json')
  t.match(answer.headers, { 'x-request-id': String, 'content-security-policy': String })
  t.equal(answer.json().code, code)
}

t.test('a valid key is recognised in either header', async (t) => {
  const expected = { id: writer.id, name: 'shop', limit: { max: 5, windowMs: 1000 }, keyId: writer.id }
  for (const headers of [
    { 'x-api-key': writer.key },
    { authorization: `Bearer ${writer.key}` },
    { 'x-api-key': writer.key, authorization: `Bearer ${writer.key}` }
  ])
    t.match((await app.inject({ url: '/who', headers })).json(), expected)
  t.same((await get('/who')).json(), { keyId: null })
})

t.test(
  'a key that is not valid is refused everywhere, also where none is needed, and where there is nothing',
  async (t) => {
    const { key } = reader
    const last = key.endsWith('0') ? '1' : '0'
    const all: Record<string, Record<string, string>> = {
      'that nobody has': { 'x-api-key': unknownKey() },
      'that was revoked': { 'x-api-key': revoked.key },
      'of another form': { 'x-api-key': 'secret' },
      'with a typo': { 'x-api-key': key.slice(0, -1) + last },
      'too short': { 'x-api-key': key.slice(0, -1) },
      'too long': { authorization: `Bearer ${key}0` },
      'in capitals': { 'x-api-key': key.toUpperCase() },
      'of no characters': { 'x-api-key': '' },
      'of another scheme': { authorization: 'Basic YWxhZGRpbjpzZXNhbWU=' },
      'without its scheme': { authorization: key },
      'besides another one': { 'x-api-key': key, authorization: `Bearer ${writer.key}` }
    }
    for (const [what, headers] of Object.entries(all)) {
      for (const path of [LIST, `${LIST}?limit=0`, '/export', '/nothing/here']) {
        const answer = await app.inject({ url: path, headers })
        isProblem(t, answer, 401, 'unauthorized', 'Bearer error="invalid_token"')
        t.notMatch(answer.body, key, what)
      }
    }
  }
)

t.test('a repeated field is refused', async (t) => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const field = `X-API-Key: ${reader.key}\r\n`
  socket.end(`GET ${LIST} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${field}${field}\r\n`)
  const [answer] = await once(socket.setEncoding('utf8'), 'data')
  t.match(answer, /^HTTP\/1\.1 401/)
})

t.test('a challenge names the required scope', async (t) => {
  isProblem(t, await get('/export'), 401, 'unauthorized', 'Bearer')
  for (const { key } of [reader, writer, operator]) t.equal((await get('/export', key)).statusCode, 200)

  const write = (key?: string) =>
    app.inject({ method: 'POST', url: '/write', headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })
  isProblem(t, await write(), 401, 'unauthorized', 'Bearer scope="products:write"')
  const forbidden = await write(reader.key)
  isProblem(t, forbidden, 403, 'forbidden', 'Bearer error="insufficient_scope", scope="products:write"')
  t.match(forbidden.json().detail, 'products:write')
  t.equal((await write(writer.key)).statusCode, 200)
})

t.test('a refusal does not wait for the body', async (t) => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('POST /write HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{')
  const [answer] = await once(socket.setEncoding('utf8'), 'data')
  t.match(answer, /^HTTP\/1\.1 401/)
})

t.test('without public reading, nothing is served without a key, from memory either', async (t) => {
  const path = `${LIST}?limit=7`
  for (const key of [undefined, reader.key]) t.equal((await get(path, key)).statusCode, 200)
  for (let round = 0; round < 3; round++) {
    isProblem(t, await get(path, undefined, closed), 401, 'unauthorized', 'Bearer')
    isProblem(t, await get(path, unknownKey(), closed), 401, 'unauthorized', 'Bearer error="invalid_token"')
    t.equal((await get(path, operator.key, closed)).statusCode, 200)
  }
  t.equal((await get(path, operator.key, closed)).headers['cache-status'], 'aisle; hit; detail=memory')
})

t.test('probes and preflight requests need no key', async (t) => {
  for (const path of ['/health', '/health/liveness', '/health/readiness', '/openapi.json', '/docs', '/metrics'])
    t.equal((await get(path, 'nonsense', closed)).statusCode, 200, path)
  const preflight = await closed.inject({
    method: 'OPTIONS',
    url: LIST,
    headers: {
      origin: 'https://shop.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'x-api-key'
    }
  })
  t.equal(preflight.statusCode, 204)
  t.match(preflight.headers['access-control-allow-headers'], 'x-api-key')
})

t.test('metrics can be for operators', async (t) => {
  const guarded = await extendedApp({ ...closed.config, metrics: { requireKey: true } })
  isProblem(t, await get('/metrics', undefined, guarded), 401, 'unauthorized', 'Bearer scope="ops:read"')
  isProblem(
    t,
    await get('/metrics', writer.key, guarded),
    403,
    'forbidden',
    'Bearer error="insufficient_scope", scope="ops:read"'
  )
  const { statusCode, body } = await get('/metrics', operator.key, guarded)
  t.equal(statusCode, 200)
  t.match(body, /aisle_key_lookups_total 2\n/)
  t.match(body, /aisle_key_refusals_total\{reason="missing"\} 1\n/)
  t.match(body, /aisle_key_refusals_total\{reason="scope"\} 1\n/)
})

t.test('a key in a URL is refused, and neither returned nor logged', async (t) => {
  const { key } = reader
  const encoded = key.replace('_', '%5F')
  const paths = [
    `${LIST}?api_key=${key}`,
    `${LIST}?q=${encoded}`,
    `${LIST}/${key}`,
    `/nothing/${key}`,
    `/openapi.json?api_key=${key}`,
    `/health/liveness?k=${key}`,
    `${LIST}?${key}`
  ]
  for (const path of paths) {
    for (const headers of [{}, { 'x-api-key': key }]) {
      const answer = await app.inject({ url: path, headers })
      isProblem(t, answer, 400, 'key-in-url')
      t.match(answer.json().detail, 'X-API-Key')
      t.notMatch(answer.body, key.slice(10))
    }
  }
  const malformed = await app.inject(`/${key}/%zz`)
  t.equal(malformed.json().code, 'malformed-request')
  const long = await app.inject(`${LIST}/${key}${'x'.repeat(5000)}`)
  t.equal(long.json().code, 'uri-too-long')
  for (const { body } of [malformed, long]) t.notMatch(body, key.slice(10))

  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(`POST /write?k=${key} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n`)
  await once(socket, 'data')
  socket.destroy()
  await app.logStream.flushAll()
  const log = globSync(join(folder, 'aisle.2*'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('')
  t.match(log, '"url":"/api/v1/products?api_key=[redacted]"')
  t.match(log, '"url":"/health/liveness?k=[redacted]"')
  t.notMatch(log, key.slice(10, 30))
  t.match(log, `"keyId":"${writer.id}"`, 'the id of a key is logged')
})

t.test('a route that does not say who may use it keeps the application from starting', async (t) => {
  const app = await buildApp(closed.config)
  t.teardown(() => app.close())
  app.get('/forgotten', async () => 'secrets')
  await t.rejects(async () => await app.ready(), {
    message: /^Routes without config\.access: GET \/forgotten, HEAD \/forgotten$/
  })
})

t.test('the description of each operation follows from who may use it', async (t) => {
  const { paths } = (await app.inject('/openapi.json')).json()
  const document = (await closed.inject('/openapi.json')).json()
  t.same(paths[LIST].get.security, [{}, { apiKey: [] }, { bearer: [] }])
  t.same(document.paths[LIST].get.security, [{ apiKey: [] }, { bearer: [] }])
  t.ok(paths[LIST].get.responses[401])
  t.notOk(paths[LIST].get.responses[403])
  t.same(paths['/health'].get.security, [])
  t.same(paths['/metrics'].get.security, [])
})

t.test('a thousand requests with a new key are one look-up, and one record of its use', async (t) => {
  const { config, connection, countReads } = await countedDatabase(t)
  const { key } = await makeKey(connection)
  const app = await buildApp(config)
  const url = await listen(app)
  const ask = () => exchange(url + LIST, { 'x-api-key': key })
  const startedAt = performance.now()
  const lookUps = await countReads(async () => {
    const answers = await Promise.all(Array.from({ length: 1000 }, ask))
    t.same([...new Set(answers.map(({ status }) => status))], [200])
  }, 'LEFT JOIN api_keys')
  // What a look-up has found is good for so long, if nobody confirms it: on a busy machine nobody may.
  const most = 1 + Math.floor((performance.now() - startedAt) / TRUST_MS)
  t.ok(lookUps >= 1 && lookUps <= most, `${lookUps} of ${most}`)
  t.equal(await countReads(() => app.close(), 'UPDATE api_keys'), 1)
  t.equal(await countReads(() => get(LIST, `${key}0`), 'LEFT JOIN api_keys'), 0)
})
