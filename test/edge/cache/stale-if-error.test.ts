import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import type { ProductRow } from '../../../src/catalogue/products/product-row.ts'
import { diffRows } from '../../../src/catalogue/products/product-row.ts'
import { upsertProducts } from '../../../src/catalogue/products/upsert-products.ts'
import { writeProducts } from '../../../src/catalogue/products/write-products.ts'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { exchange, listen } from '../../support/exchange.ts'
import type { FaultProxy } from '../../support/fault-proxy.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { proxied } from '../../support/proxied.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const LIST = '/api/v1/products'
const STALE = 'aisle; hit; ttl=-1; detail=stale-if-error'
/** Far from what memory takes, and from the second that a stopped MySQL is given. */
const ANSWERED_MS = 300

/** Two instances whose MySQL can be taken away, one of which has answered for a list and a product. */
async function warm(t: Test) {
  const direct = await testConfig(t)
  const connection = await testConnection(t, direct)
  const [id = Buffer.alloc(16), goneId = id] = await insertProducts(connection, [
    { sku: 'TEA-1', name: 'Tea', price: '5.00' },
    { sku: 'JUG-1', name: 'Jug', price: '9.00' }
  ])
  const { config, mysql } = await proxied(t, direct)
  const url = await listen(await testApp(t, config))
  const paths = [LIST, `${LIST}/${formatId(id)}`]
  const before = await Promise.all(paths.map((path) => exchange(url + path)))
  return { config, connection, mysql, url, paths, before, id, goneId }
}

const statusOf = async (url: string) => (await exchange(url)).headers['cache-status']

async function untilStale(url: string) {
  await waitFor('it stands in', async () => (await statusOf(url)) === STALE)
}

const outages: Record<string, (mysql: FaultProxy) => unknown> = {
  killed: (mysql) => mysql.refuse(),
  stopped: (mysql) => mysql.stall()
}

for (const [name, begin] of Object.entries(outages)) {
  t.test(`MySQL is ${name}: cached responses stay, others are 503, and later all are fresh`, async (t) => {
    const { config, connection, mysql, url, paths, before } = await warm(t)
    await begin(mysql)
    for (const [at, path] of paths.entries()) {
      await untilStale(url + path)
      const answer = await exchange(url + path)
      t.equal(answer.status, 200)
      t.ok(before[at]?.body.equals(answer.body))
      t.equal(answer.headers.etag, before[at]?.headers.etag)
      t.equal((await exchange(url + path, { 'if-none-match': answer.headers.etag })).status, 304)
    }
    const unknown = await exchange(`${url}${LIST}?limit=3`)
    t.equal(unknown.status, 503)
    t.ok(Number(unknown.headers['retry-after']) > 0)
    t.equal(unknown.headers['cache-status'], undefined)

    const other = await listen(await testApp(t, config))
    t.equal(await statusOf(other + LIST), STALE, 'an instance that starts now has it from Redis')

    const changed = { sku: 'TEA-1', name: 'Tea', price: '6.00' }
    await upsertProducts(connection, [changed], { nowMs: Date.now, randomBytes })
    mysql.pass()
    for (const instance of [url, other]) {
      for (const path of [...paths, `${LIST}?limit=3`]) {
        await waitFor('it is fresh again', async () => {
          const { status, headers, body } = await exchange(instance + path)
          return status === 200 && headers['cache-status'] !== STALE && body.includes('"6.00"')
        })
      }
    }
  })
}

t.test('while one request tries a stopped MySQL, the others do not wait', async (t) => {
  const { mysql, url } = await warm(t)
  mysql.stall()
  await untilStale(url + LIST)
  for (let round = 0; round < 2; round++) {
    // On a busy machine a request may be late without trying anything.
    await waitFor('others are answered before the one that tries', async () => {
      const order: string[] = []
      const isTrying = await untilTrying(url + LIST)
      const trying = isTrying().then(() => order.push('the one that tries'))
      await Promise.all(Array.from({ length: 5 }, () => exchange(url + LIST).then(() => order.push('another'))))
      await trying
      return order.at(-1) === 'the one that tries'
    })
  }
  mysql.pass()
})

/** Asks one after the other, up to the first request that is not answered at once. */
async function untilTrying(url: string): Promise<() => Promise<unknown>> {
  for (;;) {
    const request = exchange(url)
    const isAnswered = await Promise.race([request.then(() => true), wait(ANSWERED_MS, false)])
    if (!isAnswered) return () => request
  }
}

t.test('stale responses replace outages only, and never a 404', async (t) => {
  const { connection, url, goneId } = await warm(t)
  const path = `${LIST}/${formatId(goneId)}`
  t.equal((await exchange(url + path)).status, 200)
  const [deleted] = await connection.query<(ProductRow & RowDataPacket)[]>('SELECT * FROM products WHERE id = ?', [
    goneId
  ])
  await connection.beginTransaction()
  await writeProducts(connection, diffRows(deleted.map((row) => [row, undefined])), '2026-03-01 00:00:00.000')
  await connection.commit()
  await waitFor('it is gone', async () => (await exchange(url + path)).status === 404)
  for (let i = 0; i < 20; i++) t.equal((await exchange(url + path)).status, 404)
})
