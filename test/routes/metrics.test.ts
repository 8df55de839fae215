import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { type App, buildApp } from '../../src/app.ts'
import { parseExposition, type Sample } from '../support/exposition.ts'
import { openRoutes } from '../support/open-routes.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const config = await testConfig(t)

const SLOW_STATEMENT = `SELECT COUNT(*) FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b,
  information_schema.COLLATIONS c, information_schema.COLLATIONS d WHERE a.ID * b.ID * c.ID * d.ID = -1`

async function scrape(app: App): Promise<Sample[]> {
  return parseExposition((await app.inject('/metrics')).body).flatMap(({ samples }) => samples)
}

function valueIn(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number | undefined {
  const isMeant = (sample: Sample) =>
    sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  return samples.find(isMeant)?.value
}

/** How many requests each route was counted for. */
function requestCounts(samples: readonly Sample[]): Record<string, number> {
  const counts = samples.filter(({ name }) => name === 'http_request_duration_seconds_count')
  return Object.fromEntries(
    counts
      .filter(({ labels }) => labels.route !== '/metrics')
      .map(({ labels: { method, route, status }, value }) => [`${method} ${route} ${status}`, value])
  )
}

/** An application that has more than ours. */
async function extendedApp(t: Test, extend: (app: App) => void): Promise<App> {
  const app = await buildApp(config)
  t.teardown(() => app.close())
  openRoutes(app)
  extend(app)
  await app.ready()
  return app
}

/** Sends what no client library would send, and waits for the end of the answer. */
async function send(port: number, text: string): Promise<void> {
  const socket = connect(port).end(text).resume()
  await once(socket, 'close')
}

async function listen(app: App): Promise<number> {
  await app.listen({ port: 0 })
  const address = app.server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

t.test('what it answers is the text format of Prometheus, not to be stored', async (t) => {
  const app = await testApp(t, config)
  const { statusCode, headers, body } = await app.inject('/metrics')
  t.equal(statusCode, 200)
  t.match(headers, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' })
  const families = parseExposition(body)
  const types = Object.fromEntries(families.map(({ name, type }) => [name, type]))
  t.same(types, {
    http_request_duration_seconds: 'histogram',
    http_requests_aborted_total: 'counter',
    aisle_availability_answers_total: 'counter',
    aisle_breaker_state: 'gauge',
    aisle_breaker_calls_total: 'counter',
    aisle_breaker_transitions_total: 'counter',
    aisle_cache_requests_total: 'counter',
    aisle_rate_limit_refusals_total: 'counter',
    aisle_changes_lag_seconds: 'gauge',
    aisle_changes_waiters: 'gauge',
    aisle_bulk_lines_total: 'counter',
    aisle_bulk_running: 'gauge',
    aisle_exports_running: 'gauge',
    aisle_exported_rows_total: 'counter',
    aisle_changes_purged_rows_total: 'counter',
    aisle_idempotency_purged_keys_total: 'counter',
    aisle_cache_memory_bytes: 'gauge',
    aisle_cache_memory_answers: 'gauge',
    aisle_key_lookups_total: 'counter',
    aisle_key_refusals_total: 'counter',
    aisle_webhooks_processing_seconds: 'histogram',
    aisle_webhooks_received_total: 'counter',
    aisle_webhooks_refused_total: 'counter',
    aisle_webhooks_purged_events_total: 'counter',
    aisle_webhooks_processed_total: 'counter',
    aisle_webhooks_batch_duration_seconds: 'histogram',
    aisle_webhooks_events: 'gauge',
    aisle_webhooks_oldest_pending_age_seconds: 'gauge',
    aisle_mysql_connections: 'gauge',
    aisle_mysql_waiting: 'gauge',
    aisle_mysql_wait_seconds: 'histogram',
    aisle_mysql_failures_total: 'counter',
    process_cpu_seconds_total: 'counter',
    process_start_time_seconds: 'gauge',
    process_resident_memory_bytes: 'gauge',
    process_open_fds: 'gauge',
    nodejs_heap_size_used_bytes: 'gauge',
    nodejs_heap_size_total_bytes: 'gauge',
    nodejs_external_memory_bytes: 'gauge',
    nodejs_eventloop_delay_seconds: 'histogram',
    nodejs_eventloop_active_seconds_total: 'counter',
    nodejs_gc_duration_seconds: 'histogram'
  })
})

t.test('requests are counted by method, route and status, whatever their path', async (t) => {
  const app = await testApp(t, config)
  const missing = '019a8c1e-4b7f-7c3a-9d52-6f0e1b2a3c4d'
  for (let i = 0; i < 3; i++) await app.inject('/api/v1/products?limit=1')
  await app.inject('/api/v1/products?limit=0')
  await app.inject(`/api/v1/products/${missing}`)
  await app.inject({ method: 'HEAD', url: '/health/liveness' })
  await app.inject({
    method: 'OPTIONS',
    url: '/',
    headers: { origin: 'https://a.example', 'access-control-request-method': 'GET' }
  })
  const samples = await scrape(app)
  t.same(requestCounts(samples), {
    'GET /api/v1/products 200': 3,
    'GET /api/v1/products 400': 1,
    'GET /api/v1/products/:id 404': 1,
    'HEAD /health/liveness 200': 1,
    'OPTIONS * 204': 1
  })
  const listed = { method: 'GET', route: '/api/v1/products', status: '200' }
  t.equal(valueIn(samples, 'http_request_duration_seconds_bucket', { ...listed, le: '+Inf' }), 3)
  const sum = valueIn(samples, 'http_request_duration_seconds_sum', listed) ?? 0
  t.ok(sum > 0 && sum < 10, 'durations are in seconds')
})

t.test('clients cannot make series: paths without a route are one, and so are strange methods', async (t) => {
  const app = await testApp(t, config)
  const port = await listen(app)
  for (let i = 0; i < 20; i++) await app.inject(`/no/such/path/${i}?q=${i}`)
  for (const method of ['PROPFIND', 'MKCOL'])
    await send(port, `${method} /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  await app.inject({ method: 'DELETE', url: '/health' })
  t.same(requestCounts(await scrape(app)), {
    'GET unknown 404': 20,
    '_OTHER unknown 404': 2,
    'DELETE unknown 405': 1
  })
})

t.test('answers that are written raw are counted, and so are clients that do not wait', async (t) => {
  let isAsked = false
  const app = await extendedApp(t, (app) => {
    app.get('/raw', (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(203)
      reply.raw.end('raw')
    })
    app.get('/never', () => {
      isAsked = true
      return new Promise(() => {})
    })
  })
  const port = await listen(app)
  await app.inject('/raw')
  const socket = connect(port)
  socket.write('GET /never HTTP/1.1\r\nhost: a\r\n\r\n')
  await waitFor('the request arrives', () => isAsked)
  socket.destroy()
  const aborted = { method: 'GET', route: '/never' }
  await waitFor('it is counted', async () => {
    return valueIn(await scrape(app), 'http_requests_aborted_total', aborted) === 1
  })
  t.same(requestCounts(await scrape(app)), { 'GET /raw 203': 1 })
})

t.test('outcomes of the cache are counted', async (t) => {
  const app = await extendedApp(t, (app) => {
    app.get('/cached', async (request) => {
      request.cacheOutcome = request.headers['x-outcome'] === undefined ? null : String(request.headers['x-outcome'])
      return ''
    })
  })
  for (const outcome of ['memory', 'miss', 'memory'])
    await app.inject({ url: '/cached', headers: { 'x-outcome': outcome } })
  await app.inject('/cached')
  const outcomes = (await scrape(app)).filter(({ name }) => name === 'aisle_cache_requests_total')
  t.same(
    outcomes.map(({ labels, value }) => [labels.outcome, value]),
    [
      ['memory', 2],
      ['miss', 1]
    ]
  )
})

t.test('the pool tells its use, its queue, its waits and its failures', async (t) => {
  const app = await testApp(t, {
    ...config,
    mysql: { ...config.mysql, connectionLimit: 2, queueLimit: 3, queryTimeoutMs: 2000 }
  })
  const before = await scrape(app)
  const callsBefore = valueIn(before, 'aisle_mysql_wait_seconds_count') ?? 0
  t.equal(valueIn(before, 'aisle_mysql_connections', { state: 'used' }), 0)

  const calls = Array.from({ length: 7 }, () => app.database.execute('SELECT SLEEP(0.2)', []))
  const outcomes = Promise.allSettled(calls)
  const busy = await scrape(app)
  t.equal(valueIn(busy, 'aisle_mysql_connections', { state: 'used' }), 2)
  t.equal(valueIn(busy, 'aisle_mysql_connections', { state: 'limit' }), 2)
  t.equal(valueIn(busy, 'aisle_mysql_waiting'), 3)
  t.equal((await outcomes).filter(({ status }) => status === 'rejected').length, 2)

  const after = await scrape(app)
  t.equal(valueIn(after, 'aisle_mysql_connections', { state: 'used' }), 0)
  t.equal(valueIn(after, 'aisle_mysql_waiting'), 0)
  t.equal(valueIn(after, 'aisle_mysql_wait_seconds_count'), callsBefore + 5, 'who was refused has not waited')
  t.ok((valueIn(after, 'aisle_mysql_wait_seconds_sum') ?? 0) >= 0.7, 'two waited for 0.2 s, one for 0.4 s')
  t.equal(valueIn(after, 'aisle_mysql_failures_total', { code: 'overloaded' }), 2)
  t.equal(valueIn(after, 'aisle_mysql_failures_total', { code: 'database-timeout' }), 0)
})

t.test('a timeout is counted once, in the queue and on the server', async (t) => {
  const app = await testApp(t, {
    ...config,
    mysql: { ...config.mysql, connectionLimit: 1, queueLimit: 3, queryTimeoutMs: 100 }
  })
  const slow = Array.from({ length: 3 }, () => app.database.execute(SLOW_STATEMENT, []))
  t.equal((await Promise.allSettled(slow)).filter(({ status }) => status === 'rejected').length, 3)
  const failures = (await scrape(app)).filter(({ name }) => name === 'aisle_mysql_failures_total')
  t.equal(
    failures.reduce((sum, { value }) => sum + value, 0),
    3
  )
})

t.test('two applications in one process share nothing', async (t) => {
  const [one, other] = [await testApp(t, config), await testApp(t, config)]
  await one.inject('/health/liveness')
  t.same(requestCounts(await scrape(one)), { 'GET /health/liveness 200': 1 })
  t.same(requestCounts(await scrape(other)), {})
})

t.test('other plugins add metrics of their own', async (t) => {
  const app = await extendedApp(t, ({ metrics }) => {
    metrics.gauge({
      name: 'lag_seconds',
      help: 'Lag.',
      collect() {
        this.set(1.5)
      }
    })
    metrics
      .counter({ name: 'things_total', help: 'Things.', labelNames: ['kind'] })
      .labels({ kind: 'a "b" \\' })
      .inc(2)
    metrics.histogram({ name: 'wait_seconds', help: 'Waits.' }).series({}).observe(0.3)
  })
  const samples = await scrape(app)
  t.equal(valueIn(samples, 'lag_seconds'), 1.5)
  t.equal(valueIn(samples, 'things_total', { kind: 'a "b" \\' }), 2)
  t.equal(valueIn(samples, 'wait_seconds_bucket', { le: '0.25' }), 0)
  t.equal(valueIn(samples, 'wait_seconds_bucket', { le: '0.5' }), 1)
})

t.test('with METRICS_REQUIRE_KEY nobody reads them without a key', async (t) => {
  const app = await testApp(t, await testConfig(t, { METRICS_REQUIRE_KEY: 'true' }))
  const { statusCode, headers, body } = await app.inject('/metrics')
  t.equal(statusCode, 401)
  t.match(headers, { 'content-type': /^application\/problem\+json/, 'www-authenticate': 'Bearer' })
  t.match(JSON.parse(body), { code: 'unauthorized', title: 'A valid API key is required' })
})
