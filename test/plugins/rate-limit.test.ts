import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { App } from '../../src/app.ts'
import type { Config } from '../../src/config/config.ts'
import { type Exchange, exchange, listen } from '../support/exchange.ts'
import { makeKey, unknownKey } from '../support/make-key.ts'
import { proxied } from '../support/proxied.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const LIST = '/api/v1/products'
const QUARTER_MS = 900_000
const config = await testConfig(t)
const connection = await testConnection(t, config)
let prefixes = 0

/** A configuration of its own windows, and so many instances that share them. */
function limited(max: number, windowMs: number, changes: Partial<Config> = {}): Config {
  const redis = { ...config.redis, keyPrefix: `${config.redis.keyPrefix}${prefixes++}:` }
  return { ...config, redis, rateLimit: { isEnabled: true, max, windowMs }, ...changes }
}

async function urlOf(t: Test, config: Config): Promise<string> {
  return await listen(await testApp(t, config))
}

function tally(answers: readonly { status: number }[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

const quotaOf = ({ headers }: Exchange) => ({
  limit: headers['x-ratelimit-limit'],
  remaining: headers['x-ratelimit-remaining'],
  reset: headers['x-ratelimit-reset'],
  policy: headers['ratelimit-policy'],
  quota: headers.ratelimit
})

t.test('400 requests at once to two instances, at a limit of 100: 100 are served', async (t) => {
  const shared = limited(100, QUARTER_MS)
  const urls = [await urlOf(t, shared), await urlOf(t, shared)]
  const answers = await Promise.all(
    Array.from({ length: 400 }, (_, index) => exchange(`${urls[index % urls.length]}${LIST}`))
  )
  t.same(tally(answers), { 200: 100, 429: 300 })
})

t.test('each response states the quota, cached ones too; beyond it a problem states when to retry', async (t) => {
  const url = await urlOf(t, limited(3, QUARTER_MS))
  const answers: Exchange[] = []
  for (let request = 0; request < 4; request++) answers.push(await exchange(url + LIST))
  t.same(tally(answers), { 200: 3, 429: 1 })
  t.match(answers[1]?.headers['cache-status'], 'detail=memory')
  for (const [index, answer] of answers.entries()) {
    const remaining = String(Math.max(0, 2 - index))
    t.same(quotaOf(answer), {
      ...{ limit: '3', remaining, reset: '900', policy: '"list";q=3;w=900' },
      quota: `"list";r=${remaining};t=900`
    })
    t.equal(answer.headers['retry-after'], index < 3 ? undefined : '900')
    t.equal(answer.headers['x-ratelimit-scope'], undefined)
    t.match(answer.headers['access-control-expose-headers'], 'X-RateLimit-Remaining')
  }
  const refused = answers.at(-1)
  t.match(refused?.headers['content-type'], 'application/problem+json')
  t.match(JSON.parse(String(refused?.body)), {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    status: 429,
    code: 'quota-exceeded',
    instance: LIST,
    'violated-policies': ['list']
  })
})

t.test('a client that waits as long as Retry-After says is served, at a limit of 1', async (t) => {
  const url = await urlOf(t, limited(1, 1000))
  t.equal((await exchange(url + LIST)).status, 200)
  for (let round = 0; round < 2; round++) {
    const refused = await exchange(url + LIST)
    t.equal(refused.status, 429)
    await wait(Number(refused.headers['retry-after']) * 1000)
    t.equal((await exchange(url + LIST)).status, 200)
  }
})

t.test('lists, the documentation and unknown paths are counted apart; probes and metrics are not', async (t) => {
  const url = await urlOf(t, limited(2, QUARTER_MS))
  const paths: Record<string, [number, number, string | undefined]> = {
    [LIST]: [200, 429, '"list";q=2;w=900'],
    '/openapi.json': [200, 429, '"docs";q=2;w=900'],
    '/nothing/here': [404, 429, '"other";q=2;w=900'],
    '/health': [200, 200, undefined],
    '/health/liveness': [200, 200, undefined],
    '/metrics': [200, 200, undefined]
  }
  for (const [path, [served, beyond, policy]] of Object.entries(paths)) {
    const answers: Exchange[] = []
    for (let request = 0; request < 3; request++) answers.push(await exchange(url + path))
    t.same(
      answers.map(({ status }) => status),
      [served, served, beyond],
      path
    )
    t.equal(answers[0]?.headers['ratelimit-policy'], policy)
  }
  t.equal((await exchange(`${url}/nothing/else`)).status, 429, 'all unknown paths together')
  t.equal((await exchange(`${url}${LIST}/00000000-0000-7000-8000-000000000000`)).status, 429, 'products with lists')
})

t.test('a valid key has its own windows, with its own limit', async (t) => {
  const url = await urlOf(t, limited(2, QUARTER_MS))
  const own = await makeKey(connection, { limit: { max: 4, windowMs: 60_000 } })
  const others = await makeKey(connection)
  const ask = async (times: number, headers = {}) => {
    const answers: Exchange[] = []
    for (let request = 0; request < times; request++) answers.push(await exchange(url + LIST, headers))
    return answers
  }
  t.same(tally(await ask(3)), { 200: 2, 429: 1 })
  const answers = await ask(6, { 'x-api-key': own.key })
  t.same(tally(answers), { 200: 4, 429: 2 })
  t.equal(answers[0]?.headers['ratelimit-policy'], '"list";q=4;w=60')
  t.same(tally(await ask(3, { authorization: `Bearer ${others.key}` })), { 200: 2, 429: 1 })
})

t.test('requests with an invalid key count for their address', async (t) => {
  const url = await urlOf(t, limited(4, QUARTER_MS))
  const answers: Exchange[] = []
  for (const key of [unknownKey(), unknownKey(), 'secret', 'another secret', unknownKey(), 'a third one']) {
    answers.push(await exchange(url + LIST, { 'x-api-key': key }))
  }
  t.same(
    answers.map(({ status }) => status),
    [401, 401, 401, 401, 429, 429]
  )
  t.equal((await exchange(url + LIST)).status, 429)
})

t.test('a client that makes up keys has a limited number of look-ups', async (t) => {
  const app = await testApp(t, limited(1_000_000, QUARTER_MS))
  const key = await makeKey(connection)
  const ask = (key: string) => app.inject({ url: LIST, headers: { 'x-api-key': key } })
  const statuses: { status: number }[] = []
  const guess = async () => {
    while (statuses.length < 610) {
      const status = { status: 0 }
      statuses.push(status)
      status.status = (await ask(unknownKey())).statusCode
    }
  }
  await Promise.all(Array.from({ length: 10 }, guess))
  t.same(tally(statuses), { 401: 600, 429: 10 })
  t.equal((await ask(key.key)).statusCode, 429, 'nobody knows whether it is one of them')
  t.equal((await ask('secret')).statusCode, 401, 'that takes none')
})

t.test('X-Forwarded-For is believed only from a proxy that is trusted', async (t) => {
  const status = async (app: App, address: string) =>
    (await app.inject({ url: LIST, headers: { 'x-forwarded-for': address } })).statusCode

  const direct = await testApp(t, limited(1, QUARTER_MS))
  t.equal(await status(direct, '192.0.2.1'), 200)
  t.equal(await status(direct, '192.0.2.2'), 429)

  const behind = await testApp(t, limited(1, QUARTER_MS, { server: { ...config.server, trustProxy: true } }))
  t.equal(await status(behind, '192.0.2.1'), 200)
  t.equal(await status(behind, '192.0.2.2'), 200)
  t.equal(await status(behind, '::ffff:192.0.2.1'), 429, 'an IPv4 address in IPv6')
  t.equal(await status(behind, '2001:db8::1'), 200)
  t.equal(await status(behind, '2001:db8::ffff:1'), 429, 'the same network')
  t.equal(await status(behind, '2001:db8:0:1::1'), 200, 'another one')
  t.equal(await status(behind, '192.0.2.9:4711'), 200)
  t.equal(await status(behind, '192.0.2.9'), 429, 'with its port or without')
  t.equal(await status(behind, '[2001:db8::1]:443'), 429)
  const own = await makeKey(connection)
  const keyed = await behind.inject({ url: LIST, headers: { 'x-api-key': own.key } })
  t.equal(keyed.statusCode, 200)
  t.equal(await status(behind, own.id), 200, 'no address: not the key of that id')
  t.equal(await status(behind, 'x'.repeat(10_000)), 429, 'all of these are one')
})

t.test('a busy client asks Redis rarely', async (t) => {
  const { config: far, redis } = await proxied(t, limited(1_000_000_000, 60_000))
  const url = await urlOf(t, far)
  for (let request = 0; request < 50; request++) await exchange(url + LIST)
  const before = redis.chunks
  const startedAt = performance.now()
  for (let request = 0; request < 2000; request++) t.equal((await exchange(url + LIST)).status, 200)
  // A lease is a second; beside it the permits grow with the client, and what is not used is given back.
  const allowed = 20 + 4 * Math.ceil((performance.now() - startedAt) / 1000)
  t.ok(redis.chunks - before <= allowed, `${redis.chunks - before} of ${allowed}`)
})

t.test('without Redis each instance enforces the limit alone and says so, and later they share it again', async (t) => {
  const folder = t.testdir()
  const log = { ...config.log, level: 'info' as const, filePath: join(folder, 'aisle.log') }
  const { config: own, redis } = await proxied(t, limited(5, QUARTER_MS, { log }))
  const url = await urlOf(t, own)
  const lines = () => globSync(`${folder}/aisle.2*.log`).flatMap((file) => readFileSync(file, 'utf8').split('\n'))
  t.equal((await exchange(url + LIST)).headers['x-ratelimit-scope'], undefined)
  await redis.refuse()
  const answers: Exchange[] = []
  for (let request = 0; request < 6; request++) answers.push(await exchange(url + LIST))
  t.same(tally(answers), { 200: 4, 429: 2 })
  for (const answer of answers) t.equal(answer.headers['x-ratelimit-scope'], 'instance')
  t.same(
    answers.map(({ headers }) => headers['x-ratelimit-remaining']),
    ['3', '2', '1', '0', '0', '0']
  )
  redis.pass()
  await waitFor('it counts in Redis again', async () => {
    return (await exchange(url + LIST)).headers['x-ratelimit-scope'] === undefined
  })
  const written = (part: string) => lines().filter((line) => line.includes(part)).length
  await waitFor('it is logged', () => written('The rate limiter in Redis answers again') === 1)
  t.equal(written('The rate limiter in Redis does not answer'), 1)
})

t.test('it can be switched off', async (t) => {
  const url = await urlOf(t, limited(1, QUARTER_MS, { rateLimit: { isEnabled: false, max: 1, windowMs: QUARTER_MS } }))
  for (let request = 0; request < 3; request++) {
    const answer = await exchange(url + LIST)
    t.equal(answer.status, 200)
    t.equal(answer.headers['x-ratelimit-limit'], undefined)
  }
})
