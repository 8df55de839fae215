import t from 'tap'
import { databaseTimeout } from '../../src/platform/database/database-error.ts'
import { proxied } from '../support/proxied.ts'
import { waitFor } from '../support/wait-for.ts'
import {
  checkFresh,
  holdLoads,
  LIST,
  listen,
  observeAll,
  prepare,
  stocked,
  untilOver,
  untilSeen,
  wrapLoads
} from './support/instances.ts'
import { ask, nowMs } from './support/observe.ts'
import type { Commit } from './support/product-writer.ts'

const isStale = ({ cacheStatus }: { cacheStatus: string }) => cacheStatus.includes('stale')

for (const kind of ['detail', 'list'] as const) {
  t.test(`a response that was read before a write and arrives after it is not cached: ${kind}`, async (t) => {
    const { config, first, id, hexId, write, ...rest } = await prepare(t)
    const second = await listen(t, config)
    const path = kind === 'detail' ? rest.detail : LIST
    const { loaded, release, letOthersPass } = holdLoads(first, kind)
    const early = ask(first.url + path, id)
    await loaded
    letOthersPass()
    const commits = await write([stocked(1)])
    await waitFor('the change is known', () => first.app.changeLog.index.validFrom(hexId) === 1)
    release()
    t.equal((await early).stock, 0, 'it was asked for before the write')
    await checkFresh(t, observeAll(t, [first, second], [path], id), commits)
  })

  t.test(`no request waits for a load that began more than a second ago, before a write: ${kind}`, async (t) => {
    const { first, id, write, ...rest } = await prepare(t, { DB_QUERY_TIMEOUT_MS: '10000' })
    const path = kind === 'detail' ? rest.detail : LIST
    const { loaded, release, letOthersPass } = holdLoads(first, kind)
    const early = ask(first.url + path, id)
    await loaded
    letOthersPass()
    const [commit] = await write([stocked(1)])
    await waitFor('a second is over', () => commit && nowMs() > commit.atMs + 1000)
    let late: number | undefined
    const asked = ask(first.url + path, id).then(({ stock }) => {
      late = stock
    })
    const wait = waitFor('it is answered', () => late !== undefined)
    await Promise.allSettled([wait.finally(release), early, asked])
    t.equal(late, 1)
    t.resolves(wait)
  })
}

t.test('without Redis, changes are visible within a second as well', async (t) => {
  const { config, id, detail, write } = await prepare(t)
  const { config: proxiedConfig, redis } = await proxied(t, config)
  const instances = await Promise.all([listen(t, proxiedConfig), listen(t, proxiedConfig)])
  const observers = observeAll(t, instances, [LIST, detail], id)
  await untilSeen(observers, 0)
  await redis.refuse()
  const commits = await write([stocked(1)])
  await untilSeen(observers, 1)
  commits.push(...(await write([stocked(2)])))
  redis.pass()
  await untilSeen(observers, 2)
  await checkFresh(t, observers, commits)
})

t.test('an instance that cannot read the log trusts no response for longer than a second', async (t) => {
  const { first, id, detail, write } = await prepare(t)
  const observers = observeAll(t, [first], [LIST, detail], id)
  await untilSeen(observers, 0)
  first.app.changeLog.tail.stop()
  const commits: Commit[] = []
  for (const stock of [1, 2]) {
    commits.push(...(await write([stocked(stock)])))
    await untilSeen(observers, stock)
  }
  await checkFresh(t, observers, commits)
})

t.test('while MySQL hangs, responses are marked as stale; afterwards they are fresh', async (t) => {
  const { config, id, detail, write } = await prepare(t)
  const { config: proxiedConfig, mysql } = await proxied(t, config)
  const observers = observeAll(t, [await listen(t, proxiedConfig)], [LIST, detail], id)
  await untilSeen(observers, 0)
  mysql.stall()
  const commits = await write([stocked(1)])
  await waitFor('they are stale', () => observers.every(({ seen }) => seen.slice(-1).some(isStale)))
  mysql.pass()
  await untilSeen(observers, 1)
  await checkFresh(t, observers, commits)
})

t.test('one query that takes too long does not make other responses stale', async (t) => {
  const { first, id, write } = await prepare(t)
  const slow = `${LIST}&sortBy=name`
  await Promise.all([ask(first.url + LIST, id), ask(first.url + slow, id)])
  wrapLoads(first, 'list', (load, sql) => (sql.includes('products_name') ? Promise.reject(databaseTimeout()) : load()))
  await write([stocked(1)])
  await waitFor('an older answer stands in', async () => isStale(await ask(first.url + slow, id)))
  const { stock, cacheStatus } = await ask(first.url + LIST, id)
  t.same([stock, cacheStatus], [1, 'aisle; fwd=miss'])
})

t.test('after the database was restored to an older state, that state is visible within a second', async (t) => {
  const { config, connection, first, id, detail, write } = await prepare(t)
  const second = await listen(t, config)
  const observers = observeAll(t, [first, second], [LIST, detail], id)
  const commits = await write([stocked(1), stocked(2)])
  await untilSeen(observers, 2)
  await untilOver(observers, commits.at(-1)?.atMs)
  await connection.beginTransaction()
  await connection.query("UPDATE products SET stock = 1, version = 2 WHERE sku = 'S0'")
  await connection.query('DELETE FROM product_changes WHERE seq = 2')
  await connection.commit()
  const restoredAtMs = nowMs()
  await untilOver(observers, restoredAtMs)
  for (const { url, seen } of observers) {
    const late = seen.filter(({ beganAtMs, stock }) => beganAtMs > restoredAtMs + 1000 && stock !== 1)
    t.same(late.slice(0, 2), [], url)
  }
})
