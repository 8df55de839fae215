import t, { type Test } from 'tap'
import { revokeKey } from '../../../src/edge/auth/create-and-revoke-keys.ts'
import { hashKey } from '../../../src/edge/auth/key-format.ts'
import { createKeyVerifier, type FoundKey, findKey, readRevision } from '../../../src/edge/auth/verify-keys.ts'
import { createDatabase } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { makeKey, unknownKey } from '../../support/make-key.ts'
import { proxied } from '../../support/proxied.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const LIMITS = { connectionLimit: 5, queueLimit: 100, queryTimeoutMs: 500 }
const direct = await testConfig(t)
const connection = await testConnection(t, direct)

interface VirtualClock {
  aheadMs: number
  /** When it stands still, but for `aheadMs`. */
  frozenAtMs: number | null
}

/** A verifier on a connection that can be cut, with a clock that can be set forward, and what it has asked for. */
async function prepare(t: Test) {
  const { config, mysql } = await proxied(t, direct)
  const pool = openPool(config.mysql, LIMITS)
  const database = createDatabase(pool, LIMITS)
  const asked = { keys: 0, revisions: 0, failures: 0 }
  const clock: VirtualClock = { aheadMs: 0, frozenAtMs: null }
  let answer = async (found: FoundKey) => found
  const verifier = createKeyVerifier({
    async find(hash) {
      asked.keys++
      return await answer(await findKey(database, hash))
    },
    async readRevision() {
      asked.revisions++
      return await readRevision(database)
    },
    nowMs: () => (clock.frozenAtMs ?? performance.now()) + clock.aheadMs,
    onFailure: () => asked.failures++,
    onSuccess: () => {}
  })
  t.teardown(() => {
    verifier.stop()
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
  return { verifier, mysql, asked, clock, hold }
}

const revoke = (id: string) => revokeKey(connection, id, Date.now())

t.test('a key is looked up once, and so is an unknown one', async (t) => {
  const { verifier, asked } = await prepare(t)
  const { id, key } = await makeKey(connection, {
    name: 'Shop "1"',
    scopes: ['products:write', 'ops:read'],
    limit: { max: 7, windowMs: 60_000 }
  })
  t.equal(verifier.cached(key), undefined)
  const found = await verifier.verify(key)
  t.same(found, {
    id,
    name: 'Shop "1"',
    scopes: new Set(['products:write', 'ops:read']),
    limit: { max: 7, windowMs: 60_000 }
  })
  t.equal(verifier.cached(key), found)
  const nobodys = unknownKey()
  t.equal(await verifier.verify(nobodys), null)
  t.equal(verifier.cached(nobodys), null)
  t.equal(asked.keys, 2)
})

t.test('a thousand requests at once are one look-up', async (t) => {
  const { verifier, asked } = await prepare(t)
  const { id, key } = await makeKey(connection)
  const found = await Promise.all(Array.from({ length: 1000 }, () => verifier.verify(key)))
  t.same([...new Set(found.map((one) => one?.id))], [id])
  t.equal(asked.keys, 1)
})

t.test('a revoked key is forgotten when the revision is read', async (t) => {
  const { verifier, clock } = await prepare(t)
  const { id, key } = await makeKey(connection)
  await verifier.verify(key)
  // So the key is not forgotten because of its age.
  clock.frozenAtMs = performance.now()
  await revoke(id)
  await waitFor('it is forgotten', () => verifier.cached(key) === undefined)
  t.equal(await verifier.verify(key), null)
  t.equal(verifier.cached(key), null)
})

t.test('a look-up that was read before the key was revoked is not cached', async (t) => {
  const { verifier, hold } = await prepare(t)
  const [one, other] = [await makeKey(connection), await makeKey(connection)]
  const { read, release } = hold()
  const early = verifier.verify(one.key)
  await read
  await revoke(one.id)
  t.equal((await verifier.verify(other.key))?.id, other.id)
  release()
  t.equal((await early)?.id, one.id, 'it was valid when it was looked up')
  t.equal(verifier.cached(one.key), undefined)
  t.equal(verifier.cached(other.key)?.id, other.id, 'what was read later stays')
  t.equal(await verifier.verify(one.key), null)
})

t.test('no request joins a look-up from before a known revocation', async (t) => {
  const { verifier, hold, asked } = await prepare(t)
  const [one, other] = [await makeKey(connection), await makeKey(connection)]
  await verifier.verify(other.key)
  const { read, release } = hold()
  const early = verifier.verify(one.key)
  await read
  await revoke(one.id)
  await waitFor('the revision is read', () => verifier.cached(other.key) === undefined)
  const { keys } = asked
  const late = verifier.verify(one.key)
  t.equal(asked.keys, keys + 1)
  t.equal(await late, null)
  release()
  await early
  t.equal(verifier.cached(one.key), null, 'what was read later holds')
})

t.test('while the revision cannot be read, nothing is trusted for longer than 900 ms', async (t) => {
  const { verifier, mysql, clock, asked } = await prepare(t)
  const { key } = await makeKey(connection)
  clock.frozenAtMs = performance.now()
  await verifier.verify(key)
  mysql.stall()
  clock.aheadMs = 899
  t.not(verifier.cached(key), undefined)
  clock.aheadMs = 900
  t.equal(verifier.cached(key), undefined)
  mysql.pass()
  await waitFor('it is trusted again', () => verifier.cached(key) !== undefined)
  clock.aheadMs += 1800
  t.equal(verifier.cached(key), undefined, 'it is too old')
  const { keys } = asked
  await verifier.verify(key)
  t.equal(asked.keys, keys + 1)
  t.not(verifier.cached(key), undefined, 'a look-up reads the revision, too')
})

t.test('without MySQL, a key that was valid still identifies its caller', async (t) => {
  const { verifier, mysql, clock, asked } = await prepare(t)
  const [{ id, key }, revoked] = [await makeKey(connection), await makeKey(connection)]
  await revoke(revoked.id)
  t.equal((await verifier.identify(key))?.id, id)
  t.equal(await verifier.identify(revoked.key), null)
  await mysql.refuse()
  clock.aheadMs += 1000
  const unavailable = { code: 'database-unavailable', status: 503 }
  await t.rejects(verifier.verify(key), unavailable)
  await t.rejects(verifier.identify(unknownKey()), unavailable)
  await t.rejects(verifier.identify(revoked.key), unavailable)
  t.equal((await verifier.identify(key))?.id, id)

  const { keys } = asked
  for (let count = 0; count < 100; count++) await verifier.identify(key)
  t.equal(asked.keys, keys, 'for a second, no request tries again')
  clock.aheadMs += 1000
  await Promise.all(Array.from({ length: 100 }, () => verifier.identify(key)))
  t.equal(asked.keys, keys + 1, 'then one does')

  await revoke(id)
  mysql.pass()
  clock.aheadMs += 1000
  await waitFor('it is known to be revoked', async () => (await verifier.identify(key)) === null)
})

t.test('while one request tries, the others do not wait', async (t) => {
  const { verifier, mysql, clock } = await prepare(t)
  const { key, id } = await makeKey(connection)
  await verifier.identify(key)
  mysql.stall()
  clock.aheadMs += 1000
  await verifier.identify(key)
  clock.aheadMs += 1000
  let isTrying = true
  const trying = verifier.identify(key).finally(() => {
    isTrying = false
  })
  t.equal((await verifier.identify(key))?.id, id)
  t.ok(isTrying)
  await trying
})

t.test('errors other than outages are not hidden', async (t) => {
  const found = { revision: 1, key: { id: 'a', name: 'a', scopes: new Set<never>(), limit: null } }
  let isBroken = false
  const clock = { atMs: 0 }
  const verifier = createKeyVerifier({
    find: async () => (isBroken ? Promise.reject(new Error('boom')) : found),
    readRevision: async () => 1,
    nowMs: () => clock.atMs,
    onFailure: () => {},
    onSuccess: () => {}
  })
  t.teardown(() => verifier.stop())
  const key = unknownKey()
  t.equal(await verifier.identify(key), found.key)
  isBroken = true
  clock.atMs = 1000
  await t.rejects(verifier.identify(key), { message: 'boom' })
})

t.test('the revision is read only while something is cached', async (t) => {
  const { verifier, asked } = await prepare(t)
  const other = await prepare(t)
  const { id, key } = await makeKey(connection)
  await other.verifier.verify(key)
  await waitFor('another one has read several times', () => other.asked.revisions >= 3)
  t.equal(asked.revisions, 0)
  await verifier.verify(key)
  await waitFor('it reads', () => asked.revisions > 0)
  await revoke(id)
  await waitFor('it has forgotten', () => verifier.cached(key) === undefined)
  const { revisions } = asked
  await other.verifier.verify(key)
  const seen = other.asked.revisions
  await waitFor('the other one has read several times', () => other.asked.revisions >= seen + 3)
  t.equal(asked.revisions, revisions)
})

t.test('a stopped verifier reads no revision', async (t) => {
  const { verifier, asked } = await prepare(t)
  const other = await prepare(t)
  const { key } = await makeKey(connection)
  await verifier.verify(key)
  verifier.stop()
  await verifier.verify(unknownKey())
  const { revisions } = asked
  await other.verifier.verify(key)
  await waitFor('another one has read several times', () => other.asked.revisions >= 3)
  t.equal(asked.revisions, revisions)
})

t.test('unknown keys do not evict valid ones', async (t) => {
  const ours = unknownKey()
  const key = { id: 'a', name: 'a', scopes: new Set<never>(), limit: null }
  const verifier = createKeyVerifier({
    find: async (hash) => ({ revision: 1, key: hash === hashKey(ours) ? key : null }),
    readRevision: async () => 1,
    nowMs: () => 0,
    onFailure: () => {},
    onSuccess: () => {}
  })
  t.teardown(() => verifier.stop())
  await verifier.verify(ours)
  const first = unknownKey()
  await verifier.verify(first)
  for (let count = 0; count < 10_000; count++) await verifier.verify(unknownKey())
  t.equal(verifier.cached(first), undefined, 'the number of unknown keys is bounded')
  t.equal(verifier.cached(ours), key)
})
