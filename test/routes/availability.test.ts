import t, { type Test } from 'tap'
import type { App } from '../../src/app.ts'
import { formatId } from '../../src/platform/lib/uuid.ts'
import type { Fault } from '../../tools/supplier-simulator/faults.ts'
import { listen } from '../support/exchange.ts'
import { insertProducts } from '../support/insert-products.ts'
import { proxied } from '../support/proxied.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { get, openShop, type ShopProduct, UPDATED_AT } from '../support/shop.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { PRODUCTS, writeClient } from '../support/write-client.ts'

const CALLERS = 100

function pathOf(id: Buffer | undefined): string {
  return `${PRODUCTS}/${id && formatId(id)}/availability`
}

async function outcomes(app: App): Promise<Record<string, number>> {
  const samples = (await app.metrics.exposition()).matchAll(
    /^aisle_availability_answers_total\{outcome="(.+)"\} (.+)$/gm
  )
  return Object.fromEntries(Array.from(samples, ([, outcome, count]) => [outcome, Number(count)]))
}

t.test('what the supplier has', async (t) => {
  const { config, supplier, next } = await openShop(t)
  const app = await testApp(t, config)
  const { path, id, live } = next()
  const { status, headers, body } = await get(app, path)
  t.equal(status, 200)
  t.same(body, live)
  t.match(headers, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  t.equal(supplier.counters().requests['GET /availability'], 1)
  t.same((await get(app, path.replace(id, id.toUpperCase()))).body, live)

  t.match(await get(app, path.replace(id, '0190a000-0000-7000-8000-000000000000')), {
    status: 404,
    body: { code: 'product-not-found' }
  })
  t.match(await get(app, path.replace(id, 'ham')), { status: 400, body: { errors: [{ parameter: 'id' }] } })
  t.match(await outcomes(app), { live: 2 })
})

t.test('what the catalogue has, where the supplier knows nothing of it', async (t) => {
  const { config, supplier } = await openShop(t)
  const [unnamed, unknown, upwards] = await insertProducts(await testConnection(t, config), [
    { stock: 7, updatedAt: UPDATED_AT },
    { sku: '../%2F ?#', stock: 8, updatedAt: UPDATED_AT },
    { sku: '..', stock: 9, updatedAt: UPDATED_AT }
  ])
  const app = await testApp(t, config)
  const ask = (id: Buffer | undefined) => get(app, pathOf(id))
  const catalogue = { source: 'catalogue', asOf: UPDATED_AT }
  t.match(await ask(unnamed), { status: 200, body: { sku: null, available: 7, ...catalogue } })
  t.same(supplier.counters().requests, {}, 'there is nothing to ask for')
  t.match(await ask(unknown), { status: 200, body: { sku: '../%2F ?#', available: 8, ...catalogue } })
  t.match(await ask(upwards), { status: 200, body: { sku: '..', available: 9, ...catalogue } })
  t.equal(supplier.counters().requests['GET /availability'], 1)
  t.same(await outcomes(app), { 'no-sku': 1, 'unknown-sku': 2 })
})

t.test('without a supplier, the catalogue', async (t) => {
  const { config, supplier, next } = await openShop(t, { EXTERNAL_API_BASE_URL: '', PUBLIC_READ: 'false' })
  const app = await testApp(t, { ...config, auth: { publicRead: true } })
  const { path, catalogue } = next()
  t.match(await get(app, path), { status: 200, body: catalogue })
  t.same(supplier.counters().requests, {})
  t.notOk((await get(app, '/health')).body.checks.supplier)
  t.equal((await get(await testApp(t, config), path)).status, 401, 'it is part of the catalogue')
})

const ANSWERED: [Omit<Fault, 'path'>, string][] = [
  ...[400, 401, 403, 429, 500, 503].map((status): [Omit<Fault, 'path'>, string] => [
    { kind: 'status', status },
    'status'
  ]),
  [{ kind: 'status', status: 429, retryAfter: '3600' }, 'status'],
  [{ kind: 'status', status: 404 }, 'unknown-sku'],
  [{ kind: 'malformed' }, 'malformed'],
  [{ kind: 'reset' }, 'network'],
  [{ kind: 'truncated-body' }, 'network'],
  [{ kind: 'expired-token' }, 'status']
]
const UNANSWERED: [Omit<Fault, 'path'>, string][] = [
  [{ kind: 'silence' }, 'deadline'],
  [{ kind: 'slow-headers' }, 'deadline'],
  [{ kind: 'stalled-body' }, 'deadline'],
  [{ kind: 'latency', latencyMs: 60_000 }, 'deadline']
]

for (const [name, faults, deadlineMs] of [
  ['with an answer', ANSWERED, '30000'],
  ['without an answer', UNANSWERED, '300']
] as const) {
  t.test(`no fault of the supplier is an error: faults ${name}`, (t) => checkFaults(t, faults, deadlineMs))
}

async function checkFaults(t: Test, faults: typeof ANSWERED, deadlineMs: string) {
  const { config, supplier, next } = await openShop(t, { AVAILABILITY_DEADLINE_MS: deadlineMs })
  const app = await testApp(t, config)
  await app.authToken?.get()
  for (const [fault, expected] of faults) {
    const before = await outcomes(app)
    supplier.faults.set([{ path: '/availability', ...fault }])
    const { path, catalogue } = next()
    const { status, body } = await get(app, path)
    const name = JSON.stringify(fault)
    t.equal(status, 200, name)
    t.same(body, catalogue, name)
    const after = await outcomes(app)
    t.same(
      Object.keys(after).filter((outcome) => after[outcome] !== before[outcome]),
      [expected],
      name
    )
  }
}

t.test('a token that has expired is replaced; without any, the catalogue', async (t) => {
  const { config, supplier, next } = await openShop(t)
  const app = await testApp(t, config)
  supplier.faults.set([{ path: '/availability', kind: 'expired-token', count: 1 }])
  const [renewed, refused] = [next(), next()]
  t.same((await get(app, renewed.path)).body, renewed.live)
  t.equal(supplier.counters().requests['POST /oauth/token'], 2)

  supplier.faults.set([{ path: '/oauth', kind: 'status', status: 401 }])
  const other = await testApp(t, { ...config, redis: { ...config.redis, keyPrefix: `${config.redis.keyPrefix}2:` } })
  const { status, body } = await get(other, refused.path)
  t.equal(status, 200)
  t.same(body, refused.catalogue)
  t.same(await outcomes(other), { 'no-token': 1 })
})

t.test('the answer of a supplier is looked at', async (t) => {
  const upstream = await scriptedUpstream(t)
  const config = await testConfig(t, {
    EXTERNAL_API_BASE_URL: `${upstream.url}/v2/`,
    AVAILABILITY_DEADLINE_MS: '30000',
    CIRCUIT_BREAKER_THRESHOLD: '1000000'
  })
  const stocks = [
    [{ sku: 'A', available: 4, updatedAt: '2026-05-06T09:08:09+02:00', more: 1 }, 4],
    [{ sku: 'B', available: -4, updatedAt: '2026-05-06T07:08:09Z' }, 0],
    [{ sku: 'another', available: 4, updatedAt: '2026-05-06T07:08:09Z' }, null],
    [{ sku: 'D', available: 4, updatedAt: '2026-25-06T07:08:09Z' }, null],
    [{ sku: 'E', available: 4, updatedAt: 'yesterday' }, null],
    [{ sku: 'F', available: 1.5, updatedAt: '2026-05-06T07:08:09Z' }, null],
    [{ sku: 'G', available: 1e300, updatedAt: '2026-05-06T07:08:09Z' }, null],
    [{ sku: 'H', available: '4', updatedAt: '2026-05-06T07:08:09Z' }, null],
    [[], null],
    [{ sku: 'J', available: 4, updatedAt: '2026-05-06T07:08:09Z', more: 'x'.repeat(20_000) }, null]
  ] as const
  const skus = stocks.map((_, place) => 'ABCDEFGHIJ'.charAt(place))
  const fixtures = skus.map((sku) => ({ sku, stock: 77, updatedAt: UPDATED_AT }))
  const ids = await insertProducts(await testConnection(t, config), fixtures)
  const app = await testApp(t, config)
  for (const [place, [reply, available]] of stocks.entries()) {
    upstream.script((response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
    )
    const { body } = await get(app, pathOf(ids[place]))
    const expected =
      available === null
        ? { available: 77, source: 'catalogue', asOf: UPDATED_AT }
        : { available, source: 'live', asOf: '2026-05-06T07:08:09.000Z' }
    t.match(body, expected, JSON.stringify(reply).slice(0, 80))
    t.equal(upstream.targets.at(-1), new URL(`${upstream.url}/v2/availability/${skus[place]}`).pathname)
  }
  t.same(await outcomes(app), { live: 2, malformed: 7, 'too-large': 1 })
})

t.test('however many want to know, an instance asks once, and one of all gets the token', async (t) => {
  const { config, supplier, next } = await openShop(t)
  const [one, other] = [await testApp(t, config), await testApp(t, config)]
  supplier.faults.set([{ path: '/availability', kind: 'latency', latencyMs: 500 }])
  const askAll = async (apps: App[], { path, live }: ShopProduct) => {
    const answers = await Promise.all(apps.flatMap((app) => Array.from({ length: CALLERS }, () => get(app, path))))
    t.equal(answers.filter(({ body }) => JSON.stringify(body) === JSON.stringify(live)).length, answers.length)
    return supplier.counters().requests
  }
  t.match(await askAll([one], next()), { 'GET /availability': 1, 'POST /oauth/token': 1 })
  t.match(await askAll([one, other], next()), { 'GET /availability': 3, 'POST /oauth/token': 1 })
})

t.test('MySQL is not needed for a product that is known', async (t) => {
  const shop = await openShop(t)
  const { config, mysql } = await proxied(t, shop.config)
  const app = await testApp(t, config)
  const { path, live } = shop.next()
  t.equal((await get(app, path)).status, 200)
  await mysql.refuse()
  t.match(await get(app, path), { status: 200, body: live })
  t.match(await get(app, shop.next().path), { status: 503, body: { code: /^database-/ } })
})

t.test('a write shows at once, also that there is no product any more', async (t) => {
  const { config, next } = await openShop(t, { EXTERNAL_API_BASE_URL: '' })
  const app = await testApp(t, config)
  const send = await writeClient(await testConnection(t, config), await listen(app))
  const { path, id, catalogue } = next()
  t.same((await get(app, path)).body, catalogue)
  const { json } = await send('POST', `${PRODUCTS}/${id}/stock-adjustments`, { delta: -1 })
  t.match((await get(app, path)).body, { available: json.stock, source: 'catalogue', asOf: json.updatedAt })
  await send('DELETE', `${PRODUCTS}/${id}`)
  t.equal((await get(app, path)).status, 404)
})
