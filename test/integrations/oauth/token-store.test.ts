import t from 'tap'
import type { LockClaim, SharedToken } from '../../../src/integrations/oauth/token-store.ts'
import type { Instance } from './support/instance.ts'
import { tokenSetup } from './support/token-setup.ts'

const NONE = ['', ''] as const
const tokenOf = (value: string): SharedToken => ({ value, id: 'x', usefulMs: 60_000, leftMs: 50_000 })
const fenceOf = (claim: LockClaim) => (claim.state === 'claimed' ? claim.fence : undefined)

/** Another one takes the lock: as if it had come to its end. */
async function takeOver({ redis, tokenKey, store }: Instance, owner: string) {
  await redis.del(`${tokenKey}:lock`)
  return await store.claim(owner, NONE)
}

t.test('one has the lock, and lets go of it with the token', async (t) => {
  const { store } = await (await tokenSetup(t)).instance()
  const claim = await store.claim('one', NONE)
  t.match(claim, { state: 'claimed' })
  t.same(await store.claim('two', NONE), { state: 'busy' })
  t.equal(await store.put('one', fenceOf(claim), { ...tokenOf('first'), id: 'a' }), undefined)
  const found = await store.claim('two', NONE)
  t.match(found, { state: 'found', token: { value: 'first', usefulMs: 60_000 } })
  t.ok(found.state === 'found' && found.token.leftMs <= 50_000 && found.token.leftMs > 0)
  t.match(await store.claim('two', ['a', '']), { state: 'claimed' }, 'an unwanted token is none')
})

t.test('an older fence stores nothing, fails nothing, and frees no lock of another', async (t) => {
  const instance = await (await tokenSetup(t)).instance()
  const { store, redis, tokenKey } = instance
  const first = fenceOf(await store.claim('one', NONE))
  const second = fenceOf(await takeOver(instance, 'two'))
  t.ok(Number(second) > Number(first))
  t.equal(await store.put('one', first, tokenOf('late')), undefined)
  t.equal(await redis.exists(tokenKey), 0)
  await store.fail('one', 'refused', 60_000)
  t.equal(await redis.get(`${tokenKey}:lock`), 'two')
  t.equal(await redis.exists(`${tokenKey}:failure`), 0)

  await store.put('two', second, tokenOf('newer'))
  t.equal(await redis.exists(`${tokenKey}:lock`), 0)
  t.match(await store.put('one', first, tokenOf('late')), { value: 'newer' }, 'it is told the newer token')
})

t.test('a claim whose answer got lost is still one', async (t) => {
  const instance = await (await tokenSetup(t)).instance()
  const { store, redis, tokenKey } = instance
  await store.claim('one', NONE)
  await store.put('one', undefined, tokenOf('stored'))
  t.equal(await redis.exists(`${tokenKey}:lock`), 0)
  t.match(await store.claim('two', NONE), { state: 'found', token: { value: 'stored' } })
  t.equal(await store.put('three', undefined, tokenOf('alone')), undefined, 'who never had one stores nothing')
  t.match(await store.claim('two', NONE), { state: 'found', token: { value: 'stored' } })
})

t.test('fences grow when Redis has lost everything', async (t) => {
  const { store, redis, tokenKey } = await (await tokenSetup(t)).instance()
  const before = fenceOf(await store.claim('one', NONE))
  await redis.del(`${tokenKey}:lock`, `${tokenKey}:fence`)
  const after = fenceOf(await store.claim('two', NONE))
  t.ok(Number(after) >= Number(before) && /^\d{13}$/.test(after ?? ''), `${after}`)
})

t.test('a failure is known to all until it is over, or there is a token', async (t) => {
  const { store } = await (await tokenSetup(t)).instance()
  const claim = await store.claim('one', NONE)
  await store.fail('one', 'refused', 60_000)
  t.match(await store.claim('two', NONE), { state: 'failed', kind: 'refused' })
  await store.put('one', fenceOf(claim), tokenOf('after all'))
  t.match(await store.claim('two', NONE), { state: 'found' })
})

t.test('only the token of an id is dropped', async (t) => {
  const { store } = await (await tokenSetup(t)).instance()
  await store.put('one', fenceOf(await store.claim('one', NONE)), { ...tokenOf('first'), id: 'a' })
  await store.drop('b')
  t.match(await store.claim('two', NONE), { state: 'found' })
  await store.drop('a')
  t.match(await store.claim('two', NONE), { state: 'claimed' })
})

t.test('what is not ours is thrown out', async (t) => {
  const { store, redis, tokenKey, get } = await (await tokenSetup(t)).instance()
  await redis.set(tokenKey, 'of another type')
  t.match(await store.claim('one', NONE), { state: 'claimed' })
  await store.put('one', undefined, tokenOf('ours'))
  await redis.hset(tokenKey, 'sealed', 'c29tZXRoaW5nIGVsc2UsIGxvbmcgZW5vdWdoIGZvciBhIHRhZw')
  t.not(await get(), 'ours')
  t.equal(await redis.exists(tokenKey), 0)
})
