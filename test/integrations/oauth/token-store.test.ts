import t from 'tap'
import type { SharedToken } from '../../../src/integrations/oauth/token-store.ts'
import { tokenSetup } from './support/token-setup.ts'

const NONE = ['', ''] as const
const tokenOf = (value: string): SharedToken => ({ value, id: 'x', usefulMs: 60_000, leftMs: 50_000 })

t.test('one owner has the lock, and releases it with the token', async (t) => {
  const { store } = await (await tokenSetup(t)).instance()
  t.same(await store.claim('one', NONE), { state: 'claimed' })
  t.same(await store.claim('two', NONE), { state: 'busy' })
  t.equal(await store.put('one', { ...tokenOf('first'), id: 'a' }), undefined)
  const found = await store.claim('two', NONE)
  t.match(found, { state: 'found', token: { value: 'first', usefulMs: 60_000 } })
  t.ok(found.state === 'found' && found.token.leftMs <= 50_000 && found.token.leftMs > 0)
  t.same(await store.claim('two', ['a', '']), { state: 'claimed' }, 'an unwanted token counts as none')
})

t.test('an owner that lost its lock stores nothing, fails nothing, and releases no lock of another', async (t) => {
  const { store, redis, tokenKey } = await (await tokenSetup(t)).instance()
  await store.claim('one', NONE)
  await redis.del(`${tokenKey}:lock`)
  t.equal(await store.put('one', tokenOf('late')), undefined)
  t.equal(await redis.exists(tokenKey), 0, 'the lock has expired')

  await store.claim('two', NONE)
  t.equal(await store.put('one', tokenOf('late')), undefined)
  t.equal(await redis.exists(tokenKey), 0, 'another owner has the lock')
  await store.fail('one', 'refused', 60_000)
  t.equal(await redis.get(`${tokenKey}:lock`), 'two')

  await store.put('two', tokenOf('newer'))
  t.equal(await redis.exists(`${tokenKey}:lock`), 0)
  t.match(await store.put('one', tokenOf('late')), { value: 'newer' }, 'it gets the newer token')
  t.match(await store.claim('three', NONE), { state: 'found', token: { value: 'newer' } })
})

t.test('a failure is known to all until it is over', async (t) => {
  const { store, redis, tokenKey } = await (await tokenSetup(t)).instance()
  await store.claim('one', NONE)
  await store.fail('one', 'refused', 60_000)
  const claim = await store.claim('two', NONE)
  t.match(claim, { state: 'failed', kind: 'refused' })
  t.ok(claim.state === 'failed' && claim.leftMs <= 60_000 && claim.leftMs > 0)
  await redis.del(`${tokenKey}:lock`)
  t.same(await store.claim('two', NONE), { state: 'claimed' })
})

t.test('only the token with an id is dropped', async (t) => {
  const { store } = await (await tokenSetup(t)).instance()
  await store.claim('one', NONE)
  await store.put('one', { ...tokenOf('first'), id: 'a' })
  await store.drop('b')
  t.match(await store.claim('two', NONE), { state: 'found' })
  await store.drop('a')
  t.same(await store.claim('two', NONE), { state: 'claimed' })
})

t.test('a token that was not sealed by us is not used', async (t) => {
  const { store, redis, tokenKey, get } = await (await tokenSetup(t)).instance()
  await store.claim('one', NONE)
  await store.put('one', tokenOf('ours'))
  await redis.hset(tokenKey, 'sealed', 'c29tZXRoaW5nIGVsc2UsIGxvbmcgZW5vdWdoIGZvciBhIHRhZw')
  t.same(await store.claim('two', NONE), { state: 'unavailable' })
  t.not(await get(), 'ours')
})
