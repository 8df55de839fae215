import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { exchange, listen } from '../../support/exchange.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { startService, toEnvironment } from '../../support/service.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const DOWN = 'The cache in Redis does not answer'
const UP = 'The cache in Redis answers again'
/** Several of the half seconds after which Redis is tried again. */
const FAULT_MS = 1700
const PAUSE_MS = 5000
/** Lists that Redis has, and the service not. */
const PREPARED = 1000

const redis = await privateRedis(t)
const config = await testConfig(t, { REDIS_URL: redis.socketPath, LOG_LEVEL: 'info' })
const connection = await testConnection(t, config)
await insertProducts(connection, [
  { name: 'Tea', price: '5.00' },
  { name: 'Mug', price: '7.00' }
])

let asked = 0
const nextPath = () => `/api/v1/products?maxPrice=${1000 + asked++}`

// Another instance, for what is in Redis already.
const other = await listen(await testApp(t, { ...config, log: { ...config.log, level: 'silent' } }))
const prepared = Array.from({ length: PREPARED }, nextPath)
await Promise.all(prepared.map((path) => exchange(other + path)))
const expected = (await exchange(`${other}/api/v1/products`)).body

const service = await startService(t, toEnvironment(config))
/** Since a number of lines: those of the cache, and those of the client itself. */
const linesSince = (start: number) => ({
  cache: service.log.slice(start).flatMap(({ msg }) => (msg === DOWN || msg === UP ? [msg] : [])),
  client: service.log
    .slice(start)
    .flatMap(({ msg }) => (/^Redis (does not answer|answers again)$/.test(msg) ? [msg] : []))
})

/** Asks for lists that the service does not know, some of which Redis does; each is checked. */
async function ask(t: Test): Promise<string | undefined> {
  const path = (asked % 3 === 0 && prepared.pop()) || nextPath()
  const { status, headers, body } = await exchange(service.url + path)
  if (status !== 200 || !body.equals(expected)) t.fail(`${path}: ${status} ${body}`)
  asked++
  return headers['cache-status']?.toString()
}

async function admin(...command: [string, ...string[]]): Promise<void> {
  const client = new Redis(redis.socketPath)
  const [name, ...args] = command
  await client.call(name, ...args)
  await client.quit()
}

const faults = [
  { name: 'killed, and started again empty', begin: () => redis.kill(), end: () => redis.start(), lasts: FAULT_MS },
  { name: 'stopped for five seconds', begin: () => redis.pause(), end: () => redis.resume(), lasts: PAUSE_MS },
  {
    name: 'out of memory',
    begin: () => admin('CONFIG', 'SET', 'maxmemory', '1'),
    end: () => admin('CONFIG', 'SET', 'maxmemory', '0'),
    lasts: FAULT_MS
  },
  {
    name: 'read-only',
    begin: () => admin('REPLICAOF', '127.0.0.1', '1'),
    end: () => admin('REPLICAOF', 'NO', 'ONE'),
    lasts: FAULT_MS
  },
  {
    name: 'without the replicas that it needs to take writes',
    begin: () => admin('CONFIG', 'SET', 'min-replicas-to-write', '1'),
    end: () => admin('CONFIG', 'SET', 'min-replicas-to-write', '0'),
    lasts: FAULT_MS
  }
]

for (const { name, begin, end, lasts } of faults) {
  t.test(`Redis is ${name}: lists do not notice`, async (t) => {
    // A busy machine may have been too late for Redis just now.
    await waitFor('Redis is in use', async () => {
      await ask(t)
      return linesSince(0).cache.at(-1) !== DOWN
    })
    const start = service.log.length
    await begin()
    const until = performance.now() + lasts
    while (performance.now() < until) await ask(t)
    t.same(linesSince(start).cache, [DOWN], 'one line says so')
    await end()
    await waitFor('it is used again', async () => {
      const status = await ask(t)
      // Loaded under a claim, it has been stored.
      return linesSince(start).cache.includes(UP) && status === 'aisle; fwd=miss'
    })
    for (let i = 0; i < 50; i++) await ask(t)
    // A busy machine may be too late for Redis once more; that has its own two lines.
    const lines = linesSince(start).cache
    t.same(lines.slice(0, 2), [DOWN, UP], 'and one that it is over')
    t.ok(lines.every((line, at) => line !== lines[at - 1]))
    await waitFor('it has what others have stored', async () => {
      const again = nextPath()
      await exchange(other + again)
      return (await exchange(service.url + again)).headers['cache-status'] === 'aisle; hit; detail=redis'
    })
  })
}

t.test('poisoned values are replaced, and no client sees them', async (t) => {
  const client = new Redis(redis.socketPath)
  t.teardown(() => client.quit())
  const paths = Array.from({ length: 8 }, nextPath)
  const keysOf = async (path: string) => {
    const before = new Set(await client.keys('*answer:*'))
    await exchange(other + path)
    return await waitFor('it is stored', async () => (await client.keys('*answer:*')).find((key) => !before.has(key)))
  }
  const keys: string[] = []
  for (const path of paths) keys.push(await keysOf(path))
  const [random, short, type, copied, version, missing, future, lease] = keys as [string, ...string[]]
  const bytes = (await client.hgetBuffer(random, 'bytes')) ?? Buffer.alloc(0)
  await client.hset(random, 'bytes', 'x'.repeat(200))
  await client.hset(short ?? '', 'bytes', bytes.subarray(0, 30))
  await client.set(type ?? '', 'x')
  await client.hset(copied ?? '', 'bytes', bytes)
  await client.hset(version ?? '', 'version', 4_000_000_000)
  await client.hdel(missing ?? '', 'bytes')
  await client.hset(future ?? '', 'startedAt', 9e15, 'version', 'none')
  await client.del(lease ?? '')
  await client.set((lease ?? '').replace('answer:', 'lease:'), 'nobody')
  const start = service.log.length
  for (const path of paths) {
    const { status, headers, body } = await exchange(service.url + path)
    t.equal(status, 200)
    t.ok(body.equals(expected))
    t.equal(headers['cache-status'], 'aisle; fwd=miss')
  }
  t.same(linesSince(start), { cache: [], client: [] })
  await waitFor('all are replaced', async () => {
    const types = await Promise.all(keys.map((key) => client.type(key)))
    return types.every((type) => type === 'hash')
  })
})

t.test('none of this was logged as an error', async (t) => {
  t.same(
    service.log.filter(({ level }) => level >= 50),
    []
  )
  t.equal(service.stderr, '')
})
