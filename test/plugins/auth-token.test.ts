import t from 'tap'
import { startSupplier } from '../../tools/supplier-simulator/start-supplier.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig } from '../support/test-config.ts'

t.test('without a provider there are no tokens', async (t) => {
  t.equal((await testApp(t)).authToken, null)
})

t.test('with one there are, and they are measured', async (t) => {
  const supplier = await startSupplier({ products: 1 })
  t.teardown(() => supplier.close())
  const { tokenUrl, clientId, clientSecret } = supplier
  const variables = { OAUTH_TOKEN_URL: tokenUrl, OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret }
  const { authToken, metrics } = await testApp(t, await testConfig(t, variables))
  t.notMatch(await metrics.exposition(), /^aisle_token_age_seconds/m, 'what is not known has no sample')
  const token = await authToken?.get()
  t.equal(await authToken?.get(), token)
  await authToken?.invalidate(token ?? '')
  t.not(await authToken?.get(), token)
  const exposition = await metrics.exposition()
  t.match(exposition, /aisle_token_fetches_total\{outcome="issued"\} 2/)
  t.match(exposition, /aisle_token_age_seconds [0-9]/)
})
