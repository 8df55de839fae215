import t from 'tap'
import { listKeys } from '../../../src/edge/auth/create-and-revoke-keys.ts'
import { createKeyUsage } from '../../../src/edge/auth/key-usage.ts'
import { createDatabase } from '../../../src/platform/database/database.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { makeKey } from '../../support/make-key.ts'
import { proxied } from '../../support/proxied.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const LIMITS = { connectionLimit: 1, queueLimit: 10, queryTimeoutMs: 500 }
const NOON_MS = Date.parse('2026-03-01T12:00:00.250Z')
const direct = await testConfig(t)
const connection = await testConnection(t, direct)
const { config, mysql } = await proxied(t, direct)
const pool = openPool(config.mysql, LIMITS)
t.teardown(() => pool.end())
const database = createDatabase(pool, LIMITS)

const clock = { atMs: NOON_MS, nowMs: () => clock.atMs }
const [one, other, unused] = [await makeKey(connection), await makeKey(connection), await makeKey(connection)]
const toKey = ({ id }: { id: string }) => ({ id, name: '', scopes: new Set<never>(), limit: null })
const lastUses = async () => (await listKeys(connection)).map(({ id, lastUsedAt }) => [id, lastUsedAt])

t.test('the last use of all keys is written in one statement', async (t) => {
  const executed: string[] = []
  const counted = {
    ...database,
    execute: <Row>(...[sql, params]: Parameters<typeof database.execute>) => {
      executed.push(sql)
      return database.execute<Row>(sql, params)
    }
  }
  const usage = createKeyUsage({ database: counted, nowMs: clock.nowMs, onFailure: (error) => t.fail(String(error)) })
  for (let count = 0; count < 1000; count++) usage.record(toKey(one))
  clock.atMs = NOON_MS + 1500
  usage.record(toKey(other))
  await usage.flush()
  t.equal(executed.length, 1)
  t.same(await lastUses(), [
    [one.id, '2026-03-01T12:00:00.250Z'],
    [other.id, '2026-03-01T12:00:01.750Z'],
    [unused.id, null]
  ])
  await usage.flush()
  t.equal(executed.length, 1, 'and nothing when there is nothing')
})

t.test('an earlier use on another instance does not replace a later one', async (t) => {
  const usage = createKeyUsage({ database, nowMs: () => NOON_MS, onFailure: (error) => t.fail(String(error)) })
  usage.record(toKey(other))
  await usage.flush()
  t.same((await lastUses())[1], [other.id, '2026-03-01T12:00:01.750Z'])
})

t.test('uses are written periodically', async (t) => {
  clock.atMs = NOON_MS + 60_000
  const usage = createKeyUsage({
    database,
    nowMs: clock.nowMs,
    onFailure: (error) => t.fail(String(error)),
    intervalMs: 20
  })
  for (const time of ['2026-03-01T12:01:00.250Z', '2026-03-01T12:02:00.000Z']) {
    clock.atMs = Date.parse(time)
    usage.record(toKey(one))
    await waitFor('it is written', async () => (await lastUses())[0]?.[1] === time)
    await usage.flush()
  }
})

t.test('uses that could not be written are written the next time', async (t) => {
  const failures: unknown[] = []
  const usage = createKeyUsage({ database, nowMs: clock.nowMs, onFailure: (error) => failures.push(error) })
  clock.atMs = NOON_MS + 3_600_000
  await mysql.refuse()
  usage.record(toKey(one))
  await usage.flush()
  t.match(failures, [{ code: 'database-unavailable' }])
  mysql.pass()
  clock.atMs += 1000
  usage.record(toKey(other))
  await usage.flush()
  t.same(await lastUses(), [
    [one.id, '2026-03-01T13:00:00.250Z'],
    [other.id, '2026-03-01T13:00:01.250Z'],
    [unused.id, null]
  ])
})
