import { Type } from '@sinclair/typebox'
import t, { type Test } from 'tap'
import { scriptedUpstream } from '../../support/scripted-upstream.ts'
import { testClient } from '../../support/upstream-client.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Instance } from './support/instance.ts'
import { issued, type TokenSetup, tokenSetup } from './support/token-setup.ts'

const WAIT_MS = 30_000

/** Makes a function that calls the supplier with the tokens of an instance, and returns the status. */
function caller(t: Test, { supplier }: TokenSetup, instance: Instance): () => Promise<number> {
  const { request } = testClient(t, supplier.url, { tokens: instance })
  const call = { path: ['products'], query: { limit: 1 }, response: Type.Object({}) }
  return () =>
    request(call).then(
      () => 200,
      ({ status }) => status
    )
}

t.test('a token that was refused is replaced once by ten instances', async (t) => {
  const setup = await tokenSetup(t)
  const callers = (await setup.instances(10)).map((instance) => caller(t, setup, instance))
  const calls = () => Promise.all([...callers, ...callers].map((call) => call()))
  t.same(new Set(await calls()), new Set([200]))
  t.equal(setup.tokenRequests, 1)

  setup.supplier.tokens.revoke()
  t.same(new Set(await calls()), new Set([200]))
  t.equal(setup.tokenRequests, 2)
  t.same(new Set(await calls()), new Set([200]))
  t.equal(setup.supplier.counters().refusedTokens, 20, 'each call was refused once')
})

t.test('one instance after the other does not fetch anew what another has fetched', async (t) => {
  const setup = await tokenSetup(t)
  const callers = (await setup.instances(3)).map((instance) => caller(t, setup, instance))
  await Promise.all(callers.map((call) => call()))
  setup.supplier.tokens.revoke()
  for (const [before, call] of callers.entries()) {
    t.equal(await call(), 200)
    t.equal(setup.supplier.counters().refusedTokens, before + 1)
  }
  t.equal(setup.tokenRequests, 2)
})

t.test('where all tokens are refused the 401 is the answer, and the provider is left alone', async (t) => {
  const setup = await tokenSetup(t)
  const call = caller(t, setup, await setup.instance())
  const calls = () => setup.supplier.counters().requests['GET /products']
  setup.supplier.faults.set([{ path: '/products', kind: 'status', status: 401 }])
  for (let count = 0; count < 20; count++) t.equal(await call(), 401)
  t.equal(setup.tokenRequests, 2)
  t.equal(calls(), 21, 'it is asked again with another token only')
  setup.clock.advance(10_000)
  t.equal(await call(), 401)
  t.equal(setup.tokenRequests, 3, 'once in ten seconds')
  t.equal(calls(), 23)
})

t.test('a refused token that is still in Redis is not taken over', async (t) => {
  const { redis, tokenKey, get, invalidate } = await (await tokenSetup(t)).instance()
  const token = await get()
  const copy = await redis.dumpBuffer(tokenKey)
  await invalidate(token)
  await redis.restore(tokenKey, WAIT_MS, copy)
  t.not(await get(), token)
})

t.test('nor by an instance that lost its lock', async (t) => {
  const setup = await tokenSetup(t)
  const provider = await scriptedUpstream(t)
  const credentials = { tokenUrl: provider.url }
  const { redis, store, tokenKey, get, invalidate } = await setup.instance({ credentials })
  let release = () => {}
  provider.script(issued('refused'), (response, message) => {
    release = () => issued('own')(response, message)
  })
  t.equal(await get(), 'refused')
  const copy = await redis.dumpBuffer(tokenKey)
  await invalidate('refused')
  const next = get()
  await waitFor('the provider is asked', () => provider.requests === 2)
  await redis.del(`${tokenKey}:lock`)
  t.match(await store.claim('another', ['', '']), { state: 'claimed' })
  await redis.restore(tokenKey, WAIT_MS, copy)
  release()
  t.equal(await next, 'own')
  t.equal(await get(), 'own')
})

t.test('a token that is not in use any longer is not invalidated', async (t) => {
  const setup = await tokenSetup(t)
  const instance = await setup.instance()
  const token = await instance.get()
  await instance.invalidate('another token')
  t.equal(await instance.get(), token)
  await instance.invalidate(token)
  await instance.invalidate(token)
  const next = await instance.get()
  t.not(next, token)
  await instance.invalidate(token)
  t.equal(await instance.get(), next)
  t.equal(setup.tokenRequests, 2)
})
