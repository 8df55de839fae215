import t from 'tap'
import { faultProxy } from '../../support/fault-proxy.ts'
import { waitFor } from '../../support/wait-for.ts'
import { tokenSetup } from './support/token-setup.ts'

const LIFETIME_MS = 3_600_000
const INSTANCES = 4

function redisAddress() {
  const url = process.env.TEST_REDIS_URL ?? ''
  if (url.startsWith('/')) return { path: url }
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port || 6379) }
}

for (const fault of ['stall', 'refuse'] as const) {
  t.test(`without Redis (${fault}) each instance asks the provider once`, async (t) => {
    const setup = await tokenSetup(t)
    const proxy = await faultProxy(t, redisAddress())
    const redisUrl = `redis://${proxy.host}:${proxy.port}`
    const instances = await setup.instances(INSTANCES, { redisUrl, budgetMs: 50 })
    await proxy[fault]()

    const calls = instances.flatMap(({ get }) => Array.from({ length: 20 }, () => get()))
    const tokens = await Promise.all(calls)
    t.equal(new Set(tokens).size, INSTANCES)
    t.equal(setup.tokenRequests, INSTANCES)
    // To find a token, and to store one: calls wait for Redis no longer than two budgets.
    for (const { commands } of instances) t.ok(commands <= 2, `${commands} commands`)
  })
}

t.test('while Redis is away a token that holds is not replaced, and then once for all', async (t) => {
  const setup = await tokenSetup(t)
  const proxy = await faultProxy(t, redisAddress())
  const redisUrl = `redis://${proxy.host}:${proxy.port}`
  const instances = await setup.instances(INSTANCES, { redisUrl })
  const tokens = async () => new Set(await Promise.all(instances.map(({ get }) => get())))
  const [old = ''] = await tokens()
  await proxy.refuse()
  setup.clock.advance(LIFETIME_MS / 2)
  t.same(await tokens(), new Set([old]))
  setup.clock.advance(1000)
  t.same(await tokens(), new Set([old]))

  proxy.pass()
  await waitFor('all have the next token', async () => {
    const given = await tokens()
    setup.clock.advance(100)
    return given.size === 1 && !given.has(old)
  })
  t.equal(setup.tokenRequests, 2)
})

t.test('while Redis stays away each instance keeps the token until it expires, and then asks once', async (t) => {
  const setup = await tokenSetup(t)
  const proxy = await faultProxy(t, redisAddress())
  const instances = await setup.instances(INSTANCES, { redisUrl: `redis://${proxy.host}:${proxy.port}` })
  const old = new Set(await Promise.all(instances.map(({ get }) => get())))
  await proxy.refuse()
  setup.clock.advance(LIFETIME_MS * 0.95)
  for (const { get } of instances) t.ok(old.has(await get()))
  t.equal(setup.tokenRequests, 1)
  setup.clock.advance(LIFETIME_MS * 0.05)
  const own = new Set(await Promise.all(instances.flatMap(({ get }) => [get(), get()])))
  t.equal(own.size, INSTANCES)
  t.ok(own.isDisjointFrom(old))
  t.equal(setup.tokenRequests, 1 + INSTANCES)
})
