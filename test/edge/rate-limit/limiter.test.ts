import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Limit } from '../../../src/edge/rate-limit/limiter.ts'
import { createRedisWindow } from '../../../src/edge/rate-limit/redis-window.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { type VirtualInstance, virtualInstances } from './support/virtual-instance.ts'

const SECOND: Limit = { max: 100, windowMs: 1000 }
const server = await privateRedis(t)
const admin = new Redis(server.socketPath)
t.teardown(() => admin.quit())
t.beforeEach(() => admin.flushall())

async function two(t: Test) {
  const { clock, instances } = await virtualInstances(t, server.socketPath, [0, 60_000])
  const [one, other] = instances
  if (one === undefined || other === undefined) throw new Error('no instances')
  return { clock, one, other }
}

async function admitted(instance: VirtualInstance, requests: number, limit: Limit, client = 'client'): Promise<number> {
  const decisions = await Promise.all(Array.from({ length: requests }, () => instance.request(client, limit)))
  return decisions.filter(({ isAdmitted }) => isAdmitted).length
}

async function theKey(): Promise<string> {
  const [key = '', ...others] = await admin.keys('*')
  if (others.length > 0) throw new Error(`more than one: ${others}`)
  return key
}

t.test('of 400 requests at once on two instances, exactly the limit is admitted', async (t) => {
  const { one, other } = await two(t)
  const counts = await Promise.all([admitted(one, 200, SECOND), admitted(other, 200, SECOND)])
  t.equal(counts[0] + counts[1], 100)
  t.ok(one.redis.commands + other.redis.commands < 20, 'who waits is asked for together')
})

t.test('a second burst just after the edge of a fixed window is refused', async (t) => {
  const { clock, one, other } = await two(t)
  clock.nowMs = 950
  t.equal(await admitted(one, 100, SECOND), 100)
  clock.nowMs = 1050
  t.equal(await admitted(other, 100, SECOND), 0)
  clock.nowMs = 1949
  t.equal(await admitted(one, 100, SECOND), 0)
  clock.nowMs = 1971
  t.equal(await admitted(other, 200, SECOND), 100)
})

t.test('the remaining quota goes down one by one, and each reset is that of the oldest request', async (t) => {
  const { clock, one } = await two(t)
  const limit = { max: 5, windowMs: 10_000 }
  for (const remaining of [4, 3, 2, 1, 0]) {
    const resetMs = 10_000 - clock.nowMs
    t.match(await one.request('client', limit), { isAdmitted: true, remaining, resetMs, isDegraded: false })
    clock.nowMs += 1000
  }
  t.match(await one.request('client', limit), { isAdmitted: false, remaining: 0, resetMs: 5000, isDegraded: false })
  clock.nowMs += 5000
  t.match(await one.request('client', limit), { isAdmitted: true, remaining: 0, resetMs: 1000 })
  const burst = await Promise.all(Array.from({ length: 50 }, () => one.request('burst', { ...limit, max: 1600 })))
  t.same(
    burst.map(({ remaining }) => remaining),
    burst.map((_, place) => 1599 - place)
  )
})

for (const windowMs of [1000, 900_000]) {
  t.test(`one request in ${windowMs} ms`, async (t) => {
    const { clock, one, other } = await two(t)
    const limit = { max: 1, windowMs }
    t.match(await one.request('client', limit), { isAdmitted: true, remaining: 0, resetMs: windowMs })
    clock.nowMs = windowMs - 1
    t.match(await other.request('client', limit), { isAdmitted: false, resetMs: 1 })
    t.match(await one.request('client', limit), { isAdmitted: false, resetMs: 1 })
    t.match(await one.request('another', limit), { isAdmitted: true }, 'clients do not know of each other')
    clock.nowMs = windowMs
    t.match(await other.request('client', limit), { isAdmitted: true })
    t.match(await one.request('client', limit), { isAdmitted: false, resetMs: windowMs })
  })
}

t.test('steady traffic rarely asks Redis', async (t) => {
  const { clock, one } = await two(t)
  await admin.config('RESETSTAT')
  const requests = 10_000
  for (const [perMinute, everyMs, most] of [
    [1_000_000, 1, 40],
    [10_000, 10, 300],
    [1000, 100, 2500]
  ] as const) {
    const limit = { max: perMinute, windowMs: 60_000 }
    const before = one.redis.commands
    for (let i = 0; i < requests; i++) {
      clock.nowMs += everyMs
      if (i % 10 === 0) await one.returnEndedLeases()
      if (!(await one.request(`every ${everyMs}`, limit)).isAdmitted) throw new Error(`refused the ${i}th`)
    }
    const commands = one.redis.commands - before
    t.comment(`${perMinute} a minute, one each ${everyMs} ms: ${commands} commands for ${requests} requests`)
    t.ok(commands <= most, `${commands}`)
  }
  const stats = await admin.info('commandstats')
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, calls]) => Number(calls))
  t.equal(
    calls.reduce((sum, calls) => sum + calls),
    one.redis.commands,
    'each is one round trip'
  )
})

t.test('a client that was refused is refused again without Redis', async (t) => {
  const { clock, one } = await two(t)
  const limit = { max: 10, windowMs: 10_000 }
  t.equal(await admitted(one, 20, limit), 10)
  const { commands } = one.redis
  t.equal(await admitted(one, 1000, limit), 0)
  t.match(one.decideNow('client', limit, clock.nowMs), { isAdmitted: false })
  t.equal(one.redis.commands, commands)
})

t.test('unused permits come back when a lease ends, and when the instance closes', async (t) => {
  const { clock, one, other } = await two(t)
  const limit = { max: 3200, windowMs: 60_000 }
  const use = async (requests: number) => {
    for (let i = 0; i < requests; i++) await one.request('client', limit)
  }
  await use(40)
  t.ok(one.decideNow('client', limit, clock.nowMs), 'there is a lease')
  t.ok((await other.request('client', limit)).remaining < 3200 - 42)
  clock.nowMs += 1000
  await one.returnEndedLeases()
  t.equal((await other.request('client', limit)).remaining, 3200 - 43)
  await use(40)
  await one.close()
  t.notOk(one.decideNow('client', limit, clock.nowMs), 'nothing is held')
  clock.nowMs += 1
  t.equal((await other.request('client', limit)).remaining, 3200 - 84)
  t.equal(await admitted(one, 40, limit), 40, 'it still decides')
  t.notOk(one.decideNow('client', limit, clock.nowMs), 'but takes nothing in advance')
})

t.test('a lease ends for its holder before it ends for Redis, however long the answer took', async (t) => {
  const { clock, one } = await two(t)
  const limit = { max: 3200, windowMs: 1000 }
  Object.assign(one.redis.network, { requestMs: 3, replyMs: 12 })
  await one.request('client', limit)
  const sentMs = clock.nowMs
  await one.request('client', limit)
  clock.nowMs = sentMs + 19
  t.match(one.decideNow('client', limit, clock.nowMs), { isAdmitted: true })
  t.equal(one.decideNow('client', limit, sentMs + 20), undefined)
})

t.test('used permits count from when their use was reported, not from the end of the lease', async (t) => {
  const { clock, one } = await two(t)
  const limit = { max: 100, windowMs: 10_000 }
  for (let i = 0; i < limit.max; i++) t.ok((await one.request('client', limit)).isAdmitted)
  t.ok(one.redis.commands < limit.max, 'there were leases')
  t.match(await one.request('client', limit), { isAdmitted: false, resetMs: limit.windowMs })
  clock.nowMs += limit.windowMs
  t.equal(await admitted(one, 200, limit), limit.max)
})

t.test('a new limit applies from the next request on', async (t) => {
  const { clock, one, other } = await two(t)
  const limit = (max: number) => ({ max, windowMs: 1000 })
  t.equal(await admitted(one, 20, limit(10)), 10)
  t.equal(await admitted(one, 20, limit(15)), 5)
  clock.nowMs = 500
  const refused = await other.request('client', limit(5))
  t.match(refused, { isAdmitted: false, remaining: 0, resetMs: 500 })
  clock.nowMs = 1000
  t.equal(await admitted(other, 20, limit(5)), 5)
  t.equal(await admitted(one, 20, limit(3)), 0)
  for (let i = 0; i < 500; i++) await one.request('many', { max: 3200, windowMs: 60_000 })
  t.match(await one.request('many', { max: 510, windowMs: 60_000 }), { isAdmitted: true })
  const rest = await admitted(one, 20, { max: 510, windowMs: 60_000 }, 'many')
  t.equal(rest, 9, 'what was held is not lost')
})

t.test('under a smaller limit the reset is not that of the oldest request', async (t) => {
  const { clock, one, other } = await two(t)
  for (let i = 0; i < 10; i++) {
    await one.request('client', { max: 10, windowMs: 10_000 })
    clock.nowMs += 100
  }
  const smaller = { max: 5, windowMs: 10_000 }
  t.match(await other.request('client', smaller), { isAdmitted: false, resetMs: 9500 })
  clock.nowMs += 9500
  t.match(await other.request('client', smaller), { isAdmitted: true })
})

t.test('scripts that Redis has forgotten are sent again', async (t) => {
  const { one } = await two(t)
  await one.request('client', SECOND)
  await admin.script('FLUSH')
  t.match(await one.request('client', SECOND), { isAdmitted: true, remaining: 98, isDegraded: false })
})

t.test('the clients for which Redis was asked longest ago are forgotten first, but none that waits', async (t) => {
  const { clock, instances } = await virtualInstances(t, server.socketPath, [0], 3)
  const [one] = instances
  if (one === undefined) throw new Error('no instance')
  const limit = { max: 3200, windowMs: 60_000 }
  const isKnown = (client: string) => one.decideNow(client, limit, clock.nowMs) !== undefined
  for (const client of ['a', 'b', 'c', 'd']) {
    await one.request(client, limit)
    await one.request(client, limit)
  }
  t.same(['a', 'b', 'c', 'd'].map(isKnown), [false, true, true, true])
  clock.nowMs += 2000
  await one.request('b', limit)
  await one.request('e', limit)
  clock.nowMs += 1
  await one.request('b', limit)
  t.ok(isKnown('b'), 'it came again')

  const { commands } = one.redis
  const names = ['f', 'g', 'h', 'i', 'j']
  await Promise.all([...names, ...names, ...names].map((client) => one.request(client, limit)))
  t.equal(one.redis.commands - commands, 2 * names.length, 'requests that wait are asked for together')
})

const poisons: Record<string, (key: string) => Promise<unknown>> = {
  'a string': (key) => admin.set(key, 'x'),
  'a list': (key) => admin.lpush(key, 'x'),
  'a hash': (key) => admin.hset(key, 'n', '5'),
  'a set': (key) => admin.sadd(key, 'n'),
  'a sorted set of somebody else': (key) => admin.zadd(key, 1, 'x', 9e15, 'y', Number.POSITIVE_INFINITY, 'z'),
  'a sum that is none': (key) => admin.zadd(key, 'inf', 'n')
}
for (const [name, poison] of Object.entries(poisons)) {
  t.test(`${name} under the key of a client does not count as an outage, and changes no limit`, async (t) => {
    const { clock, one } = await two(t)
    await one.request('client', SECOND)
    const key = await theKey()
    await admin.del(key)
    await poison(key)
    clock.nowMs += 1100
    t.equal(await admitted(one, 200, SECOND), 100, 'it is counted anew')
    t.match(await one.request('client', SECOND), { isAdmitted: false, isDegraded: false })
    t.ok((await admin.pttl(key)) > 0)
  })
}

t.test('a client takes a bounded amount of Redis, for a bounded time', async (t) => {
  const { clock, one } = await two(t)
  const guard = { isDown: false, ask: <T>(send: () => Promise<T>): Promise<T | undefined> => send() }
  const shared = createRedisWindow({ client: one.redis, guard })
  // The most there can be: requests far apart, each counted by itself, and leases of which nothing is heard again.
  const fill = async (limit: Limit, requests: number) => {
    for (let i = 0; i < requests; i++) {
      clock.nowMs += limit.windowMs / requests
      const wanted = i % 100 === 0 ? 1 : 0
      const request = {
        client: 'client',
        limit,
        leaseMs: 1000,
        waiting: 1,
        wanted,
        leaseId: `${i}`,
        previousLease: undefined
      }
      const grant = await shared.take(request)
      if (grant?.granted !== 1) throw new Error(`refused the ${i}th`)
    }
    const key = await theKey()
    t.match(key, /limit:\{client\}$/)
    const leftMs = await admin.pttl(key)
    t.ok(leftMs > limit.windowMs && leftMs <= limit.windowMs + 1100, `${leftMs}`)
    const bytes = Number(await admin.call('MEMORY', 'USAGE', key, 'SAMPLES', '0'))
    const members = await admin.zcard(key)
    t.comment(`${requests} requests: ${members} members, ${bytes} bytes`)
    await admin.flushall()
    return { bytes, members }
  }
  const single = await fill({ max: 10, windowMs: 60_000 }, 1)
  t.ok(single.bytes < 200)
  const usual = await fill({ max: 1000, windowMs: 60_000 }, 900)
  t.ok(usual.members <= 1000 && usual.bytes < 150_000)
  const most = await fill({ max: 100_000, windowMs: 60_000 }, 20_000)
  t.ok(most.members <= 2300 && most.bytes < 300_000)
})
