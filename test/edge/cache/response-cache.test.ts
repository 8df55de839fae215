import { setImmediate as nextTurn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { createChangeIndex } from '../../../src/catalogue/change-log/change-index.ts'
import { type Cacheable, createResponseEncoder, productKey } from '../../../src/edge/cache/cached-response.ts'
import { createMemoryCache } from '../../../src/edge/cache/memory-cache.ts'
import { createRedisCache } from '../../../src/edge/cache/redis-cache.ts'
import { createResponseCache } from '../../../src/edge/cache/response-cache.ts'
import { AppError } from '../../../src/platform/errors/app-error.ts'
import { createRedisGuard } from '../../../src/platform/redis/redis-guard.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { waitFor } from '../../support/wait-for.ts'

const MINUTE_MS = 60_000
const PRODUCT_ID = '0'.repeat(32)

const server = await privateRedis(t)
const admin = new Redis(server.socketPath)
t.teardown(() => admin.quit())
t.beforeEach(() => admin.flushall())

/** A cache with a clock of its own, over real Redis, and with what it loads from in plain sight. */
async function cacheOf(t: Test, instanceId: string) {
  const client = new Redis(server.socketPath)
  t.teardown(() => client.quit())
  await client.ping()
  const clock = { nowMs: 1_000_000 }
  const source = { state: 'first', isUp: true, loads: 0 }
  const changeIndex = createChangeIndex()
  const tail = { trustedUntilMs: Number.POSITIVE_INFINITY }
  const nowMs = () => clock.nowMs
  const guard = createRedisGuard({ budgetMs: 5000, nowMs: () => performance.now(), onDown: t.fail, onUp: () => {} })
  const cache = createResponseCache({
    memory: createMemoryCache(1e6),
    shared: createRedisCache({ client, guard, instanceId }),
    changeIndex,
    tail,
    nowMs,
    encode: createResponseEncoder({}, true)
  })
  async function load() {
    source.loads++
    if (!source.isUp) throw new AppError('database-unavailable', 'It is away.')
    return { body: Buffer.from(source.state), etag: `"${source.state}"` }
  }
  const list: Cacheable = { key: 'list:all', productId: null, affectedBy: () => () => true, ttlMs: MINUTE_MS, load }
  const product: Cacheable = {
    key: productKey(PRODUCT_ID),
    productId: PRODUCT_ID,
    affectedBy: () => () => true,
    ttlMs: MINUTE_MS,
    load
  }
  const ask = async (cacheable: Cacheable, seenVersion = 0) => {
    const { entry, outcome } = await cache.get(cacheable, seenVersion)
    // What is sent to Redis after the response is there before the next command is.
    await nextTurn()
    await client.ping()
    return `${entry.response.body} ${outcome}`
  }
  return { ask, list, product, clock, source, changeIndex, tail }
}

/** Until Redis has taken what nobody waits for. */
async function untilStored(key: string) {
  await waitFor('it is stored', async () => (await admin.exists(`answer:{${key}}`)) === 1)
}

t.test('a response is valid until the log changes or it expires', async (t) => {
  const { ask, list, clock, changeIndex, source } = await cacheOf(t, 'one')
  changeIndex.restart(7)
  t.equal(await ask(list), 'first miss')
  source.state = 'second'
  clock.nowMs += MINUTE_MS - 1
  t.equal(await ask(list), 'first memory')
  await admin.flushall()
  clock.nowMs += 1
  t.equal(await ask(list), 'second miss')
})

t.test('during an outage older responses are sent for ten minutes', async (t) => {
  const { ask, list, clock, tail, changeIndex, source } = await cacheOf(t, 'one')
  changeIndex.restart(7)
  await ask(list)
  source.isUp = false
  tail.trustedUntilMs = 0
  clock.nowMs += 5 * MINUTE_MS
  await admin.flushall()
  t.equal(await ask(list), 'first stale')
  clock.nowMs += 60 * MINUTE_MS
  await t.rejects(ask(list), { code: 'database-unavailable' })
})

t.test('a write of this instance is visible to its very next read', async (t) => {
  const { ask, product, changeIndex, source } = await cacheOf(t, 'one')
  changeIndex.restart(7)
  t.equal(await ask(product), 'first miss')
  await untilStored(product.key)
  source.state = 'second'
  changeIndex.markWritten([PRODUCT_ID])
  t.match(await ask(product), /^second/, 'while the log has not brought it')
  changeIndex.beginReading()
  changeIndex.apply([{ seq: 8, changes: [{ type: 'upsert', id: PRODUCT_ID, sku: null }] }])
  changeIndex.endReading()
  t.match(await ask(product), /^second/, 'and when it has')
})

t.test('a client that has written gets a list from after its write, however young the cached one is', async (t) => {
  const one = await cacheOf(t, 'one')
  const other = await cacheOf(t, 'other')
  for (const { changeIndex } of [one, other]) changeIndex.restart(7)
  t.equal(await one.ask(one.list), 'first miss')
  await untilStored(one.list.key)
  t.equal(await other.ask(other.list), 'first shared')
  for (const { source, changeIndex } of [one, other]) {
    source.state = 'second'
    changeIndex.apply([{ seq: 8, changes: [{ type: 'upsert', id: PRODUCT_ID, sku: null }] }])
  }
  t.equal(await one.ask(one.list), 'first memory', 'others may wait for a second')
  t.equal(await one.ask(one.list, 8), 'second miss', 'neither from memory nor from Redis')
  t.equal(await one.ask(one.list, 8), 'second memory', 'once')
  t.equal(await one.ask(one.list), 'second memory', 'and it is there for all')
  await waitFor('it is stored', async () => (await admin.hget(`answer:{${one.list.key}}`, 'version')) === '8')
  t.equal(await other.ask(other.list, 8), 'second shared')
})

t.test('a client that has written gets a cached list that the write does not affect', async (t) => {
  const { ask, list, changeIndex, source } = await cacheOf(t, 'one')
  const quiet: Cacheable = { ...list, affectedBy: () => () => false }
  changeIndex.restart(7)
  t.equal(await ask(quiet), 'first miss')
  source.state = 'second'
  changeIndex.apply([{ seq: 8, changes: [{ type: 'upsert', id: PRODUCT_ID, sku: null }] }])
  t.equal(await ask(quiet, 8), 'first memory')
})

t.test('a client that has written does not join a load that began earlier', async (t) => {
  const { ask, list, changeIndex, source } = await cacheOf(t, 'one')
  changeIndex.restart(7)
  const began = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const slow: Cacheable = {
    ...list,
    async load() {
      const response = await list.load()
      if (source.loads > 1) return response
      began.resolve()
      await goOn.promise
      return response
    }
  }
  const early = ask(slow)
  await began.promise
  source.state = 'second'
  changeIndex.apply([{ seq: 8, changes: [{ type: 'upsert', id: PRODUCT_ID, sku: null }] }])
  const late = ask(slow, 8)
  await waitFor('the other loading', () => source.loads === 2)
  goOn.resolve()
  t.match(await late, /^second/)
  await early
  t.match(await ask(slow), /^second/, 'what was read before does not take its place')
})

t.test('responses from before a database restore are valid for a second at most', async (t) => {
  const before = await cacheOf(t, 'one')
  before.changeIndex.restart(100)
  await before.ask(before.list)
  await untilStored(before.list.key)
  await admin.hincrby(`answer:{${before.list.key}}`, 'startedAt', -2000)
  const after = await cacheOf(t, 'other')
  after.changeIndex.restart(40)
  after.source.state = 'restored'
  t.equal(await after.ask(after.list), 'restored miss')
})
