import t, { type Test } from 'tap'
import { revokeKey } from '../../../src/edge/auth/create-and-revoke-keys.ts'
import { type FoundKey, findKey, readRevision } from '../../../src/edge/auth/find-key.ts'
import { hashKey } from '../../../src/edge/auth/key-format.ts'
import { createKeyVerifier } from '../../../src/edge/auth/verify-keys.ts'
import { createDatabase } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { makeKey, unknownKey } from '../../support/make-key.ts'
import { proxied } from '../../support/proxied.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const LIMITS = { connectionLimit: 5, queueLimit: 100, queryTimeoutMs: 500 }
const direct = await testConfig(t)
const connection = await testConnection(t, direct)

/** A ring on a connection that can be cut, with a clock that can be set forward, and what it has asked for. */
async function prepare(t: Test) {
  const { config, mysql } = await proxied(t, direct)
  const pool = openPool(config.mysql, LIMITS)
  const database = createDatabase(pool, LIMITS)
  const asked = { keys: 0, revisions: 0, failures: 0 }
  const clock = { aheadMs: 0, nowMs: () => performance.now() + clock.aheadMs }
  let answer = async (found: FoundKey) => found
  const ring = createKeyVerifier({
    async find(hash) {
      asked.keys++
      return await answer(await findKey(database, hash))
    },
    async readRevision() {
      asked.revisions++
      return await readRevision(database)
    },
    nowMs: clock.nowMs,
    onFailure: () => asked.failures++,
    onSuccess: () => {}
  })
  t.teardown(() => {
    ring.stop()
    pool.end()
  })
  /** The next look-up is held, once it has read, until it is let go. */
  const hold = () => {
    const { promise: gate, resolve: release } = Promise.withResolvers<void>()
    const read = Promise.withResolvers<void>()
    answer = async (found) => {
      answer = async (found) => found
      read.resolve()
      await gate
      return found
    }
    return { read: read.promise, release }
  }
  return { ring, mysql, asked, clock, hold }
}

const revoke = (id: string) => revokeKey(connection, id, Date.now())

t.test('a key is looked up once, and so is one that nobody has', async (t) => {
  const { ring, asked } = await prepare(t)
  const { id, key } = await makeKey(connection, {
    name: 'Shop "1"',
    scopes: ['products:write', 'ops:read'],
    limit: { max: 7, windowMs: 60_000 }
  })
  t.equal(ring.cached(key), undefined)
  const found = await ring.verify(key)
  t.same(found, {
    id,
    name: 'Shop "1"',
    scopes: new Set(['products:write', 'ops:read']),
    limit: { max: 7, windowMs: 60_000 }
  })
  t.equal(ring.cached(key), found)
  const nobodys = unknownKey()
  t.equal(await ring.verify(nobodys), null)
  t.equal(ring.cached(nobodys), null)
  t.equal(asked.keys, 2)
})

t.test('a thousand who ask at once are one look-up', async (t) => {
  const { ring, asked } = await prepare(t)
  const { id, key } = await makeKey(connection)
  const found = await Promise.all(Array.from({ length: 1000 }, () => ring.verify(key)))
  t.same([...new Set(found.map((one) => one?.id))], [id])
  t.equal(asked.keys, 1)
})

t.test('a key that is revoked is forgotten within a second', async (t) => {
  const { ring } = await prepare(t)
  const { id, key } = await makeKey(connection)
  await ring.verify(key)
  await revoke(id)
  const revokedAt = performance.now()
  await waitFor('it does not count', () => ring.cached(key) === undefined)
  t.ok(performance.now() - revokedAt < 1000)
  t.equal(await ring.verify(key), null)
  t.equal(ring.cached(key), null)
})

t.test('a look-up that has read before the key was revoked is not kept', async (t) => {
  const { ring, hold } = await prepare(t)
  const [one, other] = [await makeKey(connection), await makeKey(connection)]
  const { read, release } = hold()
  const early = ring.verify(one.key)
  await read
  await revoke(one.id)
  t.equal((await ring.verify(other.key))?.id, other.id)
  release()
  t.equal((await early)?.id, one.id, 'it was valid when it was asked for')
  t.equal(ring.cached(one.key), undefined)
  t.equal(ring.cached(other.key)?.id, other.id, 'what was read since stays')
  t.equal(await ring.verify(one.key), null)
})

t.test('nobody joins a look-up from before a revocation that is known', async (t) => {
  const { ring, hold, asked } = await prepare(t)
  const [one, other] = [await makeKey(connection), await makeKey(connection)]
  await ring.verify(other.key)
  const { read, release } = hold()
  const early = ring.verify(one.key)
  await read
  await revoke(one.id)
  await waitFor('the revision is read', () => ring.cached(other.key) === undefined)
  const { keys } = asked
  const late = ring.verify(one.key)
  t.equal(asked.keys, keys + 1)
  t.equal(await late, null)
  release()
  await early
  t.equal(ring.cached(one.key), null, 'what was read later holds')
})

t.test('when the revision cannot be read, nothing is trusted for longer than 900 ms', async (t) => {
  const { ring, mysql, clock, asked } = await prepare(t)
  const { key } = await makeKey(connection)
  await ring.verify(key)
  mysql.stall()
  const stalledAt = performance.now()
  t.not(ring.cached(key), undefined)
  await waitFor('it does not count', () => ring.cached(key) === undefined)
  t.ok(performance.now() - stalledAt <= 1000)
  mysql.pass()
  await waitFor('it counts again', () => ring.cached(key) !== undefined)
  clock.aheadMs += 901
  t.equal(ring.cached(key), undefined, 'exactly so long')
  const { keys } = asked
  await ring.verify(key)
  t.equal(asked.keys, keys + 1)
  t.not(ring.cached(key), undefined, 'a look-up tells the revision, too')
})

t.test('without MySQL only who need not be sure goes on, with a key that was valid', async (t) => {
  const { ring, mysql, clock, asked } = await prepare(t)
  const [{ id, key }, revoked] = [await makeKey(connection), await makeKey(connection)]
  await revoke(revoked.id)
  t.equal((await ring.identify(key))?.id, id)
  t.equal(await ring.identify(revoked.key), null)
  await mysql.refuse()
  clock.aheadMs += 1000
  const unavailable = { code: 'database-unavailable', status: 503 }
  await t.rejects(ring.verify(key), unavailable)
  await t.rejects(ring.identify(unknownKey()), unavailable)
  await t.rejects(ring.identify(revoked.key), unavailable)
  t.equal((await ring.identify(key))?.id, id)

  const { keys } = asked
  for (let count = 0; count < 100; count++) await ring.identify(key)
  t.equal(asked.keys, keys, 'for a second nobody tries again')
  clock.aheadMs += 1000
  await Promise.all(Array.from({ length: 100 }, () => ring.identify(key)))
  t.equal(asked.keys, keys + 1, 'and then one does')

  await revoke(id)
  mysql.pass()
  clock.aheadMs += 1000
  await waitFor('it is known to be revoked', async () => (await ring.identify(key)) === null)
})

t.test('while one tries, the others go on', async (t) => {
  const { ring, mysql, clock } = await prepare(t)
  const { key, id } = await makeKey(connection)
  await ring.identify(key)
  mysql.stall()
  clock.aheadMs += 1000
  await ring.identify(key)
  clock.aheadMs += 1000
  let isTrying = true
  const trying = ring.identify(key).finally(() => {
    isTrying = false
  })
  t.equal((await ring.identify(key))?.id, id)
  t.ok(isTrying)
  await trying
})

t.test('what is not an outage is not hidden', async (t) => {
  const found = { revision: 1, key: { id: 'a', name: 'a', scopes: new Set<never>(), limit: null } }
  let isBroken = false
  const clock = { atMs: 0 }
  const ring = createKeyVerifier({
    find: async () => (isBroken ? Promise.reject(new Error('boom')) : found),
    readRevision: async () => 1,
    nowMs: () => clock.atMs,
    onFailure: () => {},
    onSuccess: () => {}
  })
  t.teardown(() => ring.stop())
  const key = unknownKey()
  t.equal(await ring.identify(key), found.key)
  isBroken = true
  clock.atMs = 1000
  await t.rejects(ring.identify(key), { message: 'boom' })
})

t.test('the revision is read only while there is something to keep right', async (t) => {
  const { ring, asked } = await prepare(t)
  const other = await prepare(t)
  const { id, key } = await makeKey(connection)
  await other.ring.verify(key)
  await waitFor('another one has read several times', () => other.asked.revisions >= 3)
  t.equal(asked.revisions, 0)
  await ring.verify(key)
  await waitFor('it reads', () => asked.revisions > 0)
  await revoke(id)
  await waitFor('it has forgotten', () => ring.cached(key) === undefined)
  const { revisions } = asked
  await other.ring.verify(key)
  const seen = other.asked.revisions
  await waitFor('the other one has read several times', () => other.asked.revisions >= seen + 3)
  t.equal(asked.revisions, revisions)
})

t.test('it stops', async (t) => {
  const { ring, asked } = await prepare(t)
  const other = await prepare(t)
  const { key } = await makeKey(connection)
  await ring.verify(key)
  ring.stop()
  await ring.verify(unknownKey())
  const { revisions } = asked
  await other.ring.verify(key)
  await waitFor('another one has read several times', () => other.asked.revisions >= 3)
  t.equal(asked.revisions, revisions)
})

t.test('keys that nobody has drive out none that somebody has', async (t) => {
  const ours = unknownKey()
  const key = { id: 'a', name: 'a', scopes: new Set<never>(), limit: null }
  const ring = createKeyVerifier({
    find: async (hash) => ({ revision: 1, key: hash === hashKey(ours) ? key : null }),
    readRevision: async () => 1,
    nowMs: () => 0,
    onFailure: () => {},
    onSuccess: () => {}
  })
  t.teardown(() => ring.stop())
  await ring.verify(ours)
  const first = unknownKey()
  await ring.verify(first)
  for (let count = 0; count < 10_000; count++) await ring.verify(unknownKey())
  t.equal(ring.cached(first), undefined, 'there is no more room than there is')
  t.equal(ring.cached(ours), key)
})
