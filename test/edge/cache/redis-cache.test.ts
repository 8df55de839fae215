import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { CachedResponse } from '../../../src/edge/cache/cached-response.ts'
import {
  createRedisCache,
  encodeResponse,
  LEASE_MS,
  type RedisCache,
  type Validity
} from '../../../src/edge/cache/redis-cache.ts'
import { createRedisGuard } from '../../../src/platform/redis/redis-guard.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { waitFor } from '../../support/wait-for.ts'

const PREFIX = 'aisle:'
const KEY = 'list:key'
const RESPONSE_KEY = `${PREFIX}answer:{${KEY}}`
const LEASE_KEY = `${PREFIX}lease:{${KEY}}`
const KEEP_MS = 60_000
const response: CachedResponse = { body: Buffer.from('{"data":[]}'), etag: 'W/"1"', link: '</>; rel="first"' }
/** Any version, if it is not older than a minute. */
const lenient: Validity = { anyVersionMs: 60_000, validFrom: null, knownVersion: 7, ttlMs: 60_000 }

const server = await privateRedis(t)
const admin = new Redis(server.socketPath)
t.teardown(() => admin.quit())
t.beforeEach(() => admin.flushall())

interface Instance extends RedisCache {
  reports: string[]
}

async function instance(t: Test, instanceId: string): Promise<Instance> {
  const client = new Redis(server.socketPath, { keyPrefix: PREFIX })
  t.teardown(() => client.quit())
  await client.ping()
  const reports: string[] = []
  let nowMs = 0
  const guard = createRedisGuard({
    budgetMs: 5000,
    // Time for another try, whenever it is asked.
    nowMs: () => (nowMs += 1000),
    onDown: (error) => reports.push(error.message),
    onUp: () => {}
  })
  return { ...createRedisCache({ client, guard, instanceId }), reports }
}

const [one, other] = [await instance(t, 'one'), await instance(t, 'other')]

/** Claims, and stores what was loaded under the claim; answers when its loading began. */
async function load(by: Instance, version: number, loaded = response): Promise<number> {
  const claim = await by.lookup(KEY, { ...lenient, anyVersionMs: 0 })
  if (claim.state !== 'claimed') throw new Error(claim.state)
  await by.store(KEY, { response: loaded, version, startedAtMs: claim.startedAtMs, keepMs: KEEP_MS })
  return claim.startedAtMs
}

t.test('one instance loads; the others wait, and find what it has stored', async (t) => {
  const claim = await one.lookup(KEY, lenient)
  t.match(claim, { state: 'claimed', startedAtMs: Number })
  t.same(await other.lookup(KEY, lenient), { state: 'busy' })
  const startedAtMs = claim.state === 'claimed' ? claim.startedAtMs : 0
  await one.store(KEY, { response, version: 7, startedAtMs, keepMs: KEEP_MS })
  t.match(await other.lookup(KEY, lenient), { state: 'found', version: 7, ageMs: Number, response })
  t.same(await other.peek(KEY), { version: 7, response })
})

t.test('after a failed load the next instance tries', async (t) => {
  await one.lookup(KEY, lenient)
  await other.release(KEY)
  t.same(await other.lookup(KEY, lenient), { state: 'busy' }, 'nobody else can let go of the claim')
  await one.release(KEY)
  t.match(await other.lookup(KEY, lenient), { state: 'claimed' })
})

t.test('a response is valid from a version on until it expires, or briefly at any version', async (t) => {
  await load(one, 7)
  const stateAt = async (terms: Partial<Validity>) => {
    const { state } = await one.lookup(KEY, { ...lenient, anyVersionMs: 0, ...terms })
    await one.release(KEY)
    return state
  }
  t.equal(await stateAt({ validFrom: 7 }), 'found')
  t.equal(await stateAt({ validFrom: 6 }), 'found')
  t.equal(await stateAt({ validFrom: 8 }), 'claimed')
  t.equal(await stateAt({ validFrom: null }), 'claimed')
  t.equal(await stateAt({ validFrom: 7, ttlMs: 0 }), 'claimed')
  t.equal(await stateAt({ validFrom: 8, anyVersionMs: 60_000 }), 'found')
})

t.test('a load that began earlier does not overwrite one that began later', async (t) => {
  const newer = { ...response, etag: 'W/"2"' }
  const startedAtMs = await load(one, 8, newer)
  await other.store(KEY, { response, version: 7, startedAtMs: startedAtMs - 1, keepMs: KEEP_MS })
  t.match(await one.peek(KEY), { version: 8, response: newer })
  const newest = { ...response, etag: 'W/"3"' }
  await other.store(KEY, { response: newest, version: 2, startedAtMs, keepMs: KEEP_MS })
  t.match(await one.peek(KEY), { version: 2, response: newest }, 'also when the log was begun anew')
})

t.test('all keys expire, and have one form', async (t) => {
  const claim = await one.lookup(KEY, lenient)
  t.same(await admin.keys('*'), [LEASE_KEY])
  const leaseLeftMs = await admin.pttl(LEASE_KEY)
  t.ok(leaseLeftMs > 0 && leaseLeftMs <= LEASE_MS)
  const startedAtMs = claim.state === 'claimed' ? claim.startedAtMs : 0
  await one.store(KEY, { response, version: 7, startedAtMs, keepMs: KEEP_MS })
  t.same(await admin.keys('*'), [RESPONSE_KEY])
  const answerLeftMs = await admin.pttl(RESPONSE_KEY)
  t.ok(answerLeftMs > 0 && answerLeftMs <= KEEP_MS)
})

t.test('an instance whose claim got lost on the way can claim again', async (t) => {
  t.match(await one.lookup(KEY, lenient), { state: 'claimed' })
  t.match(await one.lookup(KEY, lenient), { state: 'claimed' })
  t.same(await other.lookup(KEY, lenient), { state: 'busy' })
})

t.test('the claim of an instance that has ended expires', async () => {
  await one.lookup(KEY, lenient)
  await waitFor('it runs out', async () => (await other.lookup(KEY, lenient)).state === 'claimed')
})

/** What somebody else, or a fault, may have left in place of a response. */
const now = async () => {
  const [seconds = 0, micros = 0] = await admin.time()
  return seconds * 1000 + Math.floor(micros / 1000)
}
const bytes = (key = KEY, version = 7) => encodeResponse(key, version, response)
const hash = async (fields: Record<string, string | number | Buffer>) =>
  admin.hset(RESPONSE_KEY, { version: 7, startedAt: await now(), bytes: bytes(), ...fields })
const poisons: Record<string, () => Promise<unknown>> = {
  'random bytes': () => hash({ bytes: randomBytes(200) }),
  'no bytes': () => hash({ bytes: '' }),
  'few bytes': () => hash({ bytes: randomBytes(17) }),
  'a truncated value': () => hash({ bytes: bytes().subarray(0, -1) }),
  'the value of another key': () => hash({ bytes: bytes('list:other') }),
  'another version': () => hash({ version: 8 }),
  'a version beyond all numbers': () => hash({ version: '1e300' }),
  'a version that is none': () => hash({ version: 'seven' }),
  'a version that is no number': () => hash({ version: 'nan' }),
  'a time that is none': () => hash({ startedAt: 'nan' }),
  'a time in the future': async () => hash({ startedAt: (await now()) + 1e9 }),
  'an old time and a version beyond all others': () => hash({ startedAt: 0, version: 2 ** 53 - 1 }),
  'a missing field': async () => {
    await hash({})
    await admin.hdel(RESPONSE_KEY, 'bytes')
  },
  'a string': () => admin.set(RESPONSE_KEY, 'x'),
  'a list': () => admin.lpush(RESPONSE_KEY, 'x'),
  'a lease without an end': () => admin.set(LEASE_KEY, 'somebody'),
  'a lease of another type': () => admin.lpush(LEASE_KEY, 'somebody'),
  'a lease of another type, for a moment': () => admin.multi().lpush(LEASE_KEY, 'x').pexpire(LEASE_KEY, 400).exec()
}

for (const [name, poison] of Object.entries(poisons)) {
  t.test(`${name}: detected, reloaded and replaced`, async (t) => {
    const by = await instance(t, 'finder')
    await poison()
    const peeked = await by.peek(KEY)
    if (peeked !== undefined) t.same(peeked, { response, version: 7 }, 'only what was written is ever shown')
    const claim = await by.lookup(KEY, { ...lenient, validFrom: 5 })
    t.match(claim, { state: 'claimed' })
    const startedAtMs = claim.state === 'claimed' ? claim.startedAtMs : 0
    const loaded = { ...response, etag: 'W/"new"' }
    await by.store(KEY, { response: loaded, version: 9, startedAtMs, keepMs: KEEP_MS })
    t.match(await by.lookup(KEY, lenient), { state: 'found', version: 9, response: loaded })
    t.ok((await admin.pttl(RESPONSE_KEY)) > 0)
    t.equal(await admin.exists(LEASE_KEY), 0)
    t.same(by.reports, [], 'Redis itself is well')
  })
}

const writeless: Record<string, [begin: string[], end: string[]]> = {
  'is out of memory': [
    ['CONFIG', 'SET', 'maxmemory', '1'],
    ['CONFIG', 'SET', 'maxmemory', '0']
  ],
  'lacks its replicas': [
    ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
    ['CONFIG', 'SET', 'min-replicas-to-write', '0']
  ],
  'is read-only': [
    ['REPLICAOF', '127.0.0.1', '1'],
    ['REPLICAOF', 'NO', 'ONE']
  ]
}

for (const [name, [begin, end]] of Object.entries(writeless)) {
  t.test(`a Redis that ${name} counts as down, also for the keys that it has`, async (t) => {
    const by = await instance(t, 'asker')
    const change = ([command = '', ...args]: string[]) => admin.call(command, ...args)
    await load(by, 7)
    await change(begin)
    t.teardown(() => change(end))
    t.same(await by.lookup(KEY, lenient), { state: 'unavailable' })
    t.same(await by.lookup('list:other', lenient), { state: 'unavailable' })
    t.equal(by.reports.length, 2)
    await change(end)
    t.match(await by.lookup(KEY, lenient), { state: 'found' })
  })
}

t.test('no command scans all keys', async (t) => {
  await admin.config('RESETSTAT')
  await load(one, 7)
  await one.lookup(KEY, lenient)
  await one.peek(KEY)
  await one.release(KEY)
  await admin.hset(RESPONSE_KEY, 'bytes', 'x')
  await one.lookup(KEY, lenient)
  const used = [...(await admin.info('commandstats')).matchAll(/cmdstat_([^:]+):/g)].map(([, name]) => name)
  t.ok(used.includes('evalsha') && used.includes('unlink'), `${used}`)
  t.notOk(
    used.some((name) => /^(keys|scan|hscan|flush|randomkey)/.test(name ?? '')),
    `${used}`
  )
})
