import t from 'tap'
import { createRedisCache, type Validity } from '../../../src/edge/cache/redis-cache.ts'
import { createRedisGuard } from '../../../src/platform/redis/redis-guard.ts'
import { privateRedisCluster } from '../../support/private-engines.ts'

const KEYS = ['list:a', 'list:b', 'product:c']
const terms: Validity = { anyVersionMs: 60_000, validFrom: null, knownVersion: null, ttlMs: 60_000 }
const response = { body: Buffer.from('{}'), etag: 'W/"1"' }

t.test('all commands work in a cluster', async (t) => {
  const client = await privateRedisCluster(t)
  await t.rejects(client.mget('one', 'two'), { message: /CROSSSLOT/ }, 'it is one')
  const guard = createRedisGuard({
    budgetMs: 5000,
    nowMs: () => 0,
    onDown: (error) => t.fail(error.message),
    onUp: () => {}
  })
  const one = createRedisCache({ client, guard, instanceId: 'one' })
  for (const key of KEYS) {
    const claim = await one.lookup(key, terms)
    t.match(claim, { state: 'claimed' })
    await one.release(key)
    const startedAtMs = claim.state === 'claimed' ? claim.startedAtMs : 0
    await one.store(key, { response, version: 7, startedAtMs, keepMs: 60_000 })
    t.match(await one.lookup(key, terms), { state: 'found', version: 7, response })
    t.same(await one.peek(key), { version: 7, response })
    await client.hset(`answer:{${key}}`, 'bytes', 'x')
    t.match(await one.lookup(key, terms), { state: 'claimed' }, 'what is poisoned is thrown out')
  }
})
