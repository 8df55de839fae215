import t from 'tap'
import { revokeKey } from '../../src/edge/auth/create-and-revoke-keys.ts'
import { exchange, listen } from '../support/exchange.ts'
import { insertProducts } from '../support/insert-products.ts'
import { makeKey } from '../support/make-key.ts'
import { proxied } from '../support/proxied.ts'
import { startService, toEnvironment } from '../support/service.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'
import { writeClient } from '../support/write-client.ts'

// What README and docs promise in seconds, measured from outside. Other tests inject their clocks.

const LIST = '/api/v1/products'
const SECOND_MS = 1000
const SLACK_MS = 250
const direct = await testConfig(t)
const connection = await testConnection(t, direct)
await insertProducts(connection, [{ name: 'Tea' }])
const { config, mysql } = await proxied(t, direct)
const [here, there] = [await listen(await testApp(t, config)), await listen(await testApp(t, config))]

/** Measures from the call on until a check passes. */
async function measure(what: string, check: () => Promise<boolean>): Promise<number> {
  const startedAtMs = performance.now()
  await waitFor(what, check)
  return performance.now() - startedAtMs
}

t.test('a write is visible on other instances within a second', async (t) => {
  const send = await writeClient(connection, here)
  const { json } = await send('POST', LIST, { name: 'Coffee', price: 1 })
  const detail = `${LIST}/${json.id}`
  const version = async () => [(await send('GET', detail, undefined, { url: there })).json.stock]
  await waitFor('it is cached', async () => (await version())[0] === 0)
  for (let stock = 1; stock <= 5; stock++) {
    await send('PATCH', detail, { stock })
    const tookMs = await measure('it is seen', async () => (await version())[0] === stock)
    t.ok(tookMs < SECOND_MS, `${tookMs} ms`)
  }
})

t.test('a revoked key is refused on every instance within a second', async (t) => {
  const { id, key } = await makeKey(connection, {})
  const statuses = () =>
    Promise.all([here, there].map(async (url) => (await exchange(url + LIST, { 'x-api-key': key })).status))
  t.same(await statuses(), [200, 200])
  await revokeKey(connection, id, Date.now())
  const tookMs = await measure('all refuse it', async () => (await statuses()).every((status) => status === 401))
  t.ok(tookMs < SECOND_MS, `${tookMs} ms`)
})

t.test('while MySQL stalls, what is not cached is a 503 after about a second', async (t) => {
  mysql.stall()
  t.teardown(() => mysql.pass())
  for (const path of [`${LIST}?limit=7`, `${LIST}/0190a000-0000-7000-8000-000000000000`, '/health/readiness']) {
    const startedAtMs = performance.now()
    t.equal((await exchange(here + path)).status, 503)
    const tookMs = performance.now() - startedAtMs
    t.ok(tookMs < config.mysql.queryTimeoutMs + SLACK_MS, `${path}: ${tookMs} ms`)
  }
})

t.test('a service without requests in flight stops right after its drain time', async (t) => {
  const service = await startService(t, { ...toEnvironment(direct), LOG_LEVEL: 'info', SHUTDOWN_DRAIN_MS: '1000' })
  const startedAtMs = performance.now()
  service.signal('SIGTERM')
  t.equal((await service.exit).code, 0)
  const tookMs = performance.now() - startedAtMs
  t.ok(tookMs >= SECOND_MS && tookMs < 2 * SECOND_MS, `${tookMs} ms`)
})
