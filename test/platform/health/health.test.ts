import t from 'tap'
import { migrate } from '../../../src/catalogue/migrate.ts'
import { proxied } from '../../support/proxied.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

// The worker asks MySQL for events, and checks are counted here.
const direct = await testConfig(t, { DB_CONNECTION_LIMIT: '2', DB_QUERY_TIMEOUT_MS: '500', WEBHOOK_WORKER: 'false' })
const admin = await testConnection(t, direct)
const { config, mysql, redis } = await proxied(t, direct)
const app = await testApp(t, config)

async function get(url: string) {
  const { statusCode, headers, body } = await app.inject(url)
  return { status: statusCode, headers, body: JSON.parse(body) }
}

async function untilHealth(status: string) {
  return await waitFor(`health is ${status}`, async () => {
    const answer = await get('/health')
    return answer.body.status === status && answer
  })
}

t.test('with everything there', async (t) => {
  const { status, body, headers } = await untilHealth('ok')
  t.equal(status, 200)
  t.match(body, {
    checks: {
      mysql: { status: 'ok', latencyMs: Number },
      redis: { status: 'ok', latencyMs: Number },
      migrations: { status: 'ok' }
    }
  })
  t.equal(headers['cache-control'], 'no-store')
  t.match(await get('/health/readiness'), { status: 200, body: { status: 'ok' } })
  t.match(await get('/health/liveness'), { status: 200, body: { status: 'ok' } })
})

t.test('without Redis it is degraded, ready, and serves', async (t) => {
  for (const fault of ['stall', 'refuse'] as const) {
    await redis[fault]()
    const { status, body } = await untilHealth('degraded')
    t.equal(status, 200, fault)
    t.match(body.checks, { mysql: { status: 'ok' }, redis: { status: 'down' } })
    t.equal((await get('/health/readiness')).status, 200)
    t.equal((await get('/api/v1/products')).status, 200)
    redis.pass()
    await untilHealth('ok')
  }
})

t.test('without MySQL it is not ready, and lists are refused by the limits of the database', async (t) => {
  for (const fault of ['stall', 'refuse'] as const) {
    await mysql[fault]()
    const { status, body } = await untilHealth('down')
    t.equal(status, 503, fault)
    t.match(body.checks, { mysql: { status: 'down' }, redis: { status: 'ok' }, migrations: { status: 'unknown' } })
    t.equal((await get('/health/readiness')).status, 503)
    for (const path of ['?limit=7', '/0190a000-0000-7000-8000-000000000000']) {
      const products = await get(`/api/v1/products${path}`)
      t.equal(products.status, 503)
      t.match(products.body, { code: /^database-/ })
      t.match(products.headers, { 'retry-after': /^\d+$/, 'content-type': /^application\/problem\+json/ })
    }
    mysql.pass()
    await untilHealth('ok')
    t.equal((await get('/api/v1/products?limit=8')).status, 200)
  }
})

t.test('liveness asks nobody', async (t) => {
  mysql.stall()
  redis.stall()
  const chunks = mysql.chunks + redis.chunks
  const answers = await Promise.all(Array.from({ length: 100 }, () => get('/health/liveness')))
  t.ok(answers.every(({ status }) => status === 200))
  t.equal(mysql.chunks + redis.chunks, chunks)
  mysql.pass()
  redis.pass()
  await untilHealth('ok')
})

t.test('a hundred probes at once cost one check', async (t) => {
  app.changeLog.tail.stop()
  const before = { mysql: mysql.chunks, redis: redis.chunks }
  await Promise.all(Array.from({ length: 50 }, () => [get('/health'), get('/health/readiness')]).flat())
  for (const [name, proxy] of Object.entries({ mysql, redis } as const)) {
    const checks = proxy.chunks - before[name as keyof typeof before]
    // A command is one chunk. The last check may still serve, and end while the probes come in.
    t.ok(checks <= 2, `${name}: ${checks} checks`)
  }
})

t.test('a busy pool is not a server that is down', async (t) => {
  await admin.query('LOCK TABLES products WRITE')
  const lists = Array.from({ length: 30 }, (_, place) =>
    get(`/api/v1/products?limit=${20 + place}`).then(({ body }) => body.code)
  )
  let isBusy = true
  const codes = Promise.all(lists).finally(() => {
    isBusy = false
  })
  const readiness = new Set<number>()
  await waitFor('the lists are answered', async () => {
    readiness.add((await get('/health/readiness')).status)
    return !isBusy
  })
  await admin.query('UNLOCK TABLES')
  t.same([...readiness], [200])
  t.ok((await codes).includes('database-timeout'), 'the pool was busy')
})

t.test('a distant server is slow to connect to, not down', async (t) => {
  mysql.disconnect()
  mysql.delay(50)
  await waitFor('the connections are gone', () => mysql.connections === 0)
  const { body } = await waitFor('the server is found again', async () => {
    const answer = await get('/health')
    return mysql.connections > 0 && answer.status === 200 && answer
  })
  t.ok(body.checks.mysql.latencyMs >= 90, `${body.checks.mysql.latencyMs} ms`)
  mysql.pass()
})

t.test('pending migrations are no readiness, until they are applied', async (t) => {
  const { database } = config.mysql
  await admin.query('RENAME TABLE products TO products_kept, schema_migrations TO schema_migrations_kept')
  const { status, body } = await untilHealth('down')
  t.equal(status, 503)
  t.match(body.checks, { mysql: { status: 'ok' }, migrations: { status: 'pending' } })
  t.equal((await get('/health/readiness')).status, 503)
  t.match(await get('/api/v1/products?limit=9'), { status: 503, body: { code: 'database-unavailable' } })
  await migrate(direct.mysql)
  await untilHealth('ok')
  t.equal((await get('/api/v1/products')).status, 200, database)
})

t.test('draining is no readiness, and nothing else', async (t) => {
  app.lifecycle.isDraining = true
  t.match(await get('/health/readiness'), { status: 503, body: { status: 'draining' } })
  t.match(await get('/health'), { status: 200, body: { status: 'ok' } })
  const list = await get('/api/v1/products')
  t.equal(list.status, 200)
  t.equal(list.headers.connection, 'close')
  app.lifecycle.isDraining = false
})
