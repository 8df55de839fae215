import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { buildApp } from '../../../src/app.ts'
import { exchange } from '../../support/exchange.ts'
import { startService, toEnvironment } from '../../support/service.ts'
import { get, openShop, supplierVariables } from '../../support/shop.ts'
import { testApp } from '../../support/test-app.ts'
import { waitFor } from '../../support/wait-for.ts'

const OUTAGE = [{ path: '/availability', kind: 'status', status: 503 }] as const

t.test('the breaker opens for a failing supplier, and health reports it', async (t) => {
  const { config, supplier, next } = await openShop(t, {
    EXTERNAL_API_RETRY_ATTEMPTS: '1',
    CIRCUIT_BREAKER_THRESHOLD: '3',
    CIRCUIT_BREAKER_RESET_TIMEOUT: '3600000'
  })
  const app = await testApp(t, config)
  t.match((await get(app, '/health')).body.checks.supplier, { status: 'ok', breaker: 'closed' })
  supplier.faults.set(OUTAGE)
  for (let asked = 0; asked < 10; asked++) {
    const { path, catalogue } = next()
    t.same((await get(app, path)).body, catalogue)
  }
  t.equal(supplier.counters().requests['GET /availability'], 3)
  const health = await waitFor('Redis and MySQL are looked at', async () => {
    const answer = await get(app, '/health')
    return answer.body.checks.redis.status === 'ok' && answer
  })
  t.match(health, {
    status: 200,
    body: { status: 'degraded', checks: { supplier: { status: 'down', breaker: 'open' } } }
  })
  t.equal((await get(app, '/health/readiness')).status, 200)
})

t.test('the breaker closes when the supplier works again', async (t) => {
  const { config, supplier, next } = await openShop(t, {
    EXTERNAL_API_RETRY_ATTEMPTS: '1',
    CIRCUIT_BREAKER_THRESHOLD: '2',
    CIRCUIT_BREAKER_RESET_TIMEOUT: '50'
  })
  const app = await testApp(t, config)
  const breaker = app.supplier?.breaker
  supplier.faults.set(OUTAGE)
  await waitFor('the breaker is open', async () => {
    await get(app, next().path)
    return breaker?.state === 'open'
  })
  // Nobody asks meanwhile.
  const health = await waitFor('it may be asked again', async () => {
    const { supplier } = (await get(app, '/health')).body.checks
    return supplier.status === 'ok' && supplier
  })
  t.equal(health.breaker, 'open')
  supplier.faults.set([])
  let product = next()
  await waitFor('the breaker is closed', async () => {
    const { body } = await get(app, product.path)
    if (body.source === 'live') product = next()
    return breaker?.state === 'closed'
  })
  t.same((await get(app, product.path)).body, product.live)
  t.equal((await get(app, '/health')).body.checks.supplier.status, 'ok')
})

t.test('a silent supplier delays nobody beyond the deadline, which is 800 ms by default', async (t) => {
  const { config, supplier, next } = await openShop(t, { AVAILABILITY_DEADLINE_MS: '' })
  const app = await testApp(t, config)
  await app.authToken?.get()
  supplier.faults.set([{ path: '/availability', kind: 'silence' }])
  const { path, catalogue } = next()
  t.same((await get(app, path)).body, catalogue)
  t.equal(config.availability.deadlineMs, 800)
})

t.test('timeouts open the breaker, and then no request waits', async (t) => {
  const { config, supplier, next } = await openShop(t, {
    AVAILABILITY_DEADLINE_MS: '50',
    CIRCUIT_BREAKER_THRESHOLD: '3',
    CIRCUIT_BREAKER_RESET_TIMEOUT: '3600000'
  })
  const app = await testApp(t, config)
  await app.authToken?.get()
  supplier.faults.set([{ path: '/availability', kind: 'silence' }])
  await waitFor('the breaker is open', async () => {
    await get(app, next().path)
    return app.supplier?.breaker.state === 'open'
  })
  const open = async () => Number(/outcome="open"\} (\d+)/.exec(await app.metrics.exposition())?.[1] ?? 0)
  const [before, sent] = [await open(), supplier.counters().requests['GET /availability']]
  for (let asked = 0; asked < 5; asked++) {
    const { path, catalogue } = next()
    t.same((await get(app, path)).body, catalogue)
  }
  t.equal((await open()) - before, 5)
  t.equal(supplier.counters().requests['GET /availability'], sent)
})

t.test('requests in flight at a SIGTERM are answered', async (t) => {
  const { config, supplier, next } = await openShop(t, { LOG_LEVEL: 'info' })
  const service = await startService(t, {
    ...toEnvironment(config),
    ...supplierVariables(supplier),
    AVAILABILITY_DEADLINE_MS: '2000'
  })
  supplier.faults.set([{ path: '/availability', kind: 'silence' }])
  const products = [next(), next(), next()]
  const answers = Promise.all(
    products.map(({ path }) =>
      waitFor('an answer', async () => {
        const { status, body } = await exchange(service.url + path)
        return !body.includes('"overloaded"') && { status, body: JSON.parse(body.toString()) }
      })
    )
  )
  await waitFor('all are asked for', () => supplier.counters().faults.silence === products.length)
  service.signal('SIGTERM')
  t.same(
    await answers,
    products.map(({ catalogue }) => ({ status: 200, body: catalogue }))
  )
  t.match(await service.exit, { code: 0, signal: null })
  t.equal(service.stderr, '')
})

t.test('no secret and no token is in a log, a response or a metric, and many failures are one log line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aisle-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const { config, supplier, next } = await openShop(t, {
    LOG_LEVEL: 'trace',
    LOG_FILE_PATH: join(folder, 'aisle.log'),
    AVAILABILITY_DEADLINE_MS: '500'
  })
  const app = await buildApp(config)
  await app.ready()
  const outputs: string[] = []
  const secrets = new Set([supplier.clientSecret])
  const ask = async () => outputs.push(JSON.stringify((await get(app, next().path)).body))
  const tell = async () => secrets.add((await app.authToken?.get()) ?? '')
  await tell()
  await ask()
  for (const kind of ['status', 'malformed', 'reset', 'truncated-body', 'expired-token', 'silence'] as const) {
    supplier.faults.set([{ path: '/availability', kind }])
    await ask()
    await ask()
    await tell()
  }
  supplier.faults.set([
    { path: '/oauth', kind: 'malformed' },
    { path: '/availability', kind: 'expired-token' }
  ])
  await ask()
  await ask()
  outputs.push(await app.metrics.exposition())
  await app.close()
  for (const file of readdirSync(folder)) outputs.push(readFileSync(join(folder, file), 'utf8'))
  const all = outputs.join('\n')
  t.match(all, /aisle_availability_answers_total\{outcome="(?:status|deadline)"\}/)
  t.equal(outputs.filter((output) => output.startsWith('{"productId"')).length, 15)
  t.ok([...all.matchAll(/"msg":"The supplier did not return its stock/g)].length < 5)
  t.match(all, /"msg":"The supplier did not return its stock/)
  t.ok(secrets.size > 2)
  for (const secret of secrets) t.notOk(secret === '' || all.includes(secret), 'not there')
})
