import t from 'tap'
import { revokeKey } from '../../src/edge/auth/create-and-revoke-keys.ts'
import { exchange, listen } from '../support/exchange.ts'
import { insertProducts } from '../support/insert-products.ts'
import { makeKey, unknownKey } from '../support/make-key.ts'
import { proxied } from '../support/proxied.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const LIST = '/api/v1/products'
const direct = await testConfig(t, { METRICS_REQUIRE_KEY: 'true', DB_QUERY_TIMEOUT_MS: '300' })
const connection = await testConnection(t, direct)
await insertProducts(connection, [{ name: 'Tea' }])
const { config, mysql } = await proxied(t, direct)
const url = await listen(await testApp(t, config))

async function ask(path: string, key?: string): Promise<[number, string]> {
  const { status, body } = await exchange(url + path, key === undefined ? {} : { 'x-api-key': key })
  return [status, status < 400 ? '' : JSON.parse(String(body)).code]
}

for (const fault of ['refuse', 'stall'] as const) {
  t.test(`while MySQL is away (${fault}), a known key is optional where none is needed`, async (t) => {
    const { id, key } = await makeKey(connection, { scopes: ['ops:read'] })
    t.same(await ask(LIST), [200, ''])
    t.same(await ask(LIST, key), [200, ''])
    t.same(await ask('/metrics', key), [200, ''])
    await mysql[fault]()
    const down = [503, fault === 'refuse' ? 'database-unavailable' : 'database-timeout']
    await waitFor('what was known of the key does not count', async () => (await ask('/metrics', key))[0] === 503)

    t.same(await ask(LIST), [200, ''], 'nobody reads what is cached')
    for (let count = 0; count < 20; count++) t.same(await ask(LIST, key), [200, ''], 'so does who was known')
    t.same(await ask('/metrics', key), down, 'where a key is needed, it is not enough to have been known')
    t.same(await ask(LIST, unknownKey()), down, 'nor for who was not')
    t.same(await ask(LIST, `${key}0`), [401, 'unauthorized'], 'a typo is found without MySQL')
    t.same(await ask('/health/liveness', key), [200, ''])

    await revokeKey(connection, id, Date.now())
    mysql.pass()
    await waitFor('it is known to be revoked', async () => (await ask(LIST, key))[0] === 401)
    t.same(await ask('/metrics', key), [401, 'unauthorized'])
  })
}
