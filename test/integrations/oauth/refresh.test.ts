import t from 'tap'
import { request } from 'undici'
import { scriptedUpstream } from '../../support/scripted-upstream.ts'
import { waitFor } from '../../support/wait-for.ts'
import { issued, tokenSetup } from './support/token-setup.ts'

const HOUR_MS = 3_600_000

/** Returns the value of a promise that needs no round trip; undefined when it needs one. */
async function atOnce<T>(promise: Promise<T>): Promise<T | undefined> {
  return await Promise.race([promise, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))])
}

t.test('under a steady load no request carries an expired token, and each token is fetched once', async (t) => {
  const [stepMs, steps] = [120_000, 120]
  const setup = await tokenSetup(t)
  const { url, catalogue, counters } = setup.supplier
  const sku = catalogue.page(null, null, 1).data[0]?.sku
  const instances = await setup.instances(3)
  const call = async (get: () => Promise<string>) => {
    const response = await request(`${url}/availability/${sku}`, {
      headers: { authorization: `Bearer ${await get()}` }
    })
    await response.body.dump()
    return response.statusCode
  }
  const startedAtMs = setup.clock.nowMs()
  const statuses = new Set<number>()
  for (let step = 0; step < steps; step++) {
    for (const status of await Promise.all(instances.map(({ get }) => call(get)))) statuses.add(status)
    setup.clock.advance(stepMs)
  }
  t.same([...statuses], [200])
  t.equal(counters().refusedTokens, 0)
  // A token is replaced after 0.4 to 0.5 of the time that it is used for.
  const shortestCycleMs = 0.4 * (HOUR_MS - 30_000)
  const elapsedMs = setup.clock.nowMs() - startedAtMs
  t.ok(setup.tokenRequests <= 1 + elapsedMs / shortestCycleMs, `${setup.tokenRequests} requests for tokens`)
  t.ok(setup.tokenRequests >= elapsedMs / HOUR_MS)
})

t.test('while a token is replaced, callers get the old one without a round trip', async (t) => {
  const setup = await tokenSetup(t)
  const provider = await scriptedUpstream(t)
  const credentials = { tokenUrl: provider.url }
  const one = await setup.instance({ credentials })
  const other = await setup.instance({ credentials })
  provider.script(issued('old'))
  const old = await one.get()
  t.equal(await other.get(), old, 'from Redis')
  let release = () => {}
  provider.script((response, message) => {
    release = () => issued('new')(response, message)
  })
  setup.clock.advance(HOUR_MS / 2)
  for (const instance of [one, other, one, other]) t.equal(await atOnce(instance.get()), old)
  await waitFor('the provider is asked', () => provider.requests === 2)
  t.equal(await atOnce(one.get()), old)
  release()
  for (const instance of [one, other]) await waitFor('the new token', async () => (await instance.get()) === 'new')
  t.equal(provider.requests, 2)
})

t.test('callers do not notice a failing provider until the token expires', async (t) => {
  const setup = await tokenSetup(t)
  const instance = await setup.instance()
  const old = await instance.get()
  for (const fault of [
    { path: '/oauth', kind: 'status', status: 500 },
    { path: '/oauth', kind: 'reset' },
    { path: '/oauth', kind: 'malformed' },
    { path: '/oauth', kind: 'truncated-body' }
  ] as const) {
    const before = instance.fetches.length
    setup.supplier.faults.set([fault])
    // The pause after a failure is over, for the instance and for Redis.
    setup.clock.advance(before === 1 ? HOUR_MS / 2 : 5000)
    await instance.redis.del(`${instance.tokenKey}:lock`)
    await waitFor('a request fails', async () => {
      if ((await atOnce(instance.get())) !== old) t.fail(fault.kind)
      return instance.fetches.length > before
    })
    t.match(instance.fetches.at(-1), { outcome: 'unavailable' }, fault.kind)
  }
  setup.clock.advance(HOUR_MS)
  await t.rejects(instance.get(), {
    name: 'TokenError',
    kind: 'unavailable',
    status: 503,
    code: 'upstream-unavailable'
  })

  setup.supplier.faults.set([])
  t.not(await waitFor('the provider is asked again', () => instance.get()), old)
})

t.test('a failing provider is left alone by all instances', async (t) => {
  const setup = await tokenSetup(t)
  setup.supplier.faults.set([{ path: '/oauth', kind: 'status', status: 429, retryAfter: '30' }])
  const instances = await setup.instances(5)
  for (const { get } of [...instances, ...instances]) await t.rejects(get(), { name: 'TokenError', status: 503 })
  t.equal(setup.tokenRequests, 1)
})

t.test('rejected credentials are tried once in ten seconds, by all instances together', async (t) => {
  const setup = await tokenSetup(t)
  const instances = await setup.instances(10, { credentials: { clientSecret: 'not the secret of this client' } })
  const calls = instances.flatMap(({ get }) => Array.from({ length: 10 }, () => get()))
  for (const outcome of await Promise.allSettled(calls)) {
    t.match(outcome, { status: 'rejected', reason: { kind: 'refused', status: 503 } })
  }
  t.equal(setup.tokenRequests, 1)
  const [instance] = instances
  const leftMs = (await instance?.redis.pttl(`${instance.tokenKey}:lock`)) ?? 0
  t.ok(leftMs > 0 && leftMs <= 10_000, `${leftMs} ms`)
})
