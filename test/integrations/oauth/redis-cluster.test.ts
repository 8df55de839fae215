import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createTokenSeal } from '../../../src/integrations/oauth/token-seal.ts'
import { createTokenStore } from '../../../src/integrations/oauth/token-store.ts'
import { createRedisGuard } from '../../../src/platform/redis/redis-guard.ts'
import { privateRedisCluster } from '../../support/private-engines.ts'

t.test('a cluster takes all that is asked of it', async (t) => {
  const client = await privateRedisCluster(t)
  const guard = createRedisGuard({
    budgetMs: 5000,
    nowMs: () => 0,
    onDown: (error) => t.fail(error.message),
    onUp: () => {}
  })
  const credentials = {
    ...{ tokenUrl: 'https://id.example/token', clientId: 'aisle', clientSecret: 'the secret of this client' },
    ...{ scope: undefined, audience: undefined, clientAuth: 'basic' as const }
  }
  const store = createTokenStore({ client, guard, seal: createTokenSeal(credentials, randomBytes), lockMs: 60_000 })
  t.same(await store.claim('one', ['', '']), { state: 'claimed' })
  await store.put('one', { value: 'a token', id: 'x', usefulMs: 60_000, leftMs: 60_000 })
  t.match(await store.claim('two', ['', '']), { state: 'found', token: { value: 'a token' } })
  await store.drop('x')
  t.match(await store.claim('two', ['', '']), { state: 'claimed' })
  await store.fail('two', 'unavailable', 60_000)
  t.match(await store.claim('three', ['', '']), { state: 'failed', kind: 'unavailable' })
})
