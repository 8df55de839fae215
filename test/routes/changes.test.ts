import { type ClientRequest, get } from 'node:http'
import t from 'tap'
import type { ProductChangePage } from '../../schemas/changes.ts'
import { countedDatabase } from '../support/counted-database.ts'
import { type Exchange, exchange, listen } from '../support/exchange.ts'
import { parseExposition } from '../support/exposition.ts'
import { FEED } from '../support/feed-reader.ts'
import { makeKey } from '../support/make-key.ts'
import { startService, toEnvironment } from '../support/service.ts'
import { testApp } from '../support/test-app.ts'
import { waitFor } from '../support/wait-for.ts'
import { putProducts, removeProduct } from '../support/write-catalogue.ts'

const { config, connection, countReads } = await countedDatabase(t)
const { key } = await makeKey(connection)
const app = await testApp(t, config)
const url = await listen(app)

const ask = (query = '', headers = {}) => exchange(`${url}${FEED}?${query}`, { 'x-api-key': key, ...headers })
const pageOf = ({ body }: Exchange): ProductChangePage => JSON.parse(body.toString())

/** The end of the log. */
async function end(): Promise<string> {
  let page = pageOf(await ask('limit=1000'))
  while (page.pagination.hasMore) page = pageOf(await ask(`limit=1000&since=${page.pagination.nextCursor}`))
  return page.pagination.nextCursor
}

async function waiting(baseUrl = url): Promise<number | undefined> {
  const { body } = await exchange(`${baseUrl}/metrics`)
  const samples = parseExposition(body.toString()).flatMap(({ samples }) => samples)
  return samples.find(({ name }) => name === 'aisle_changes_waiters')?.value
}

function untilWaiting(count: number, baseUrl = url): Promise<boolean> {
  return waitFor(`${count} wait`, async () => (await waiting(baseUrl)) === count)
}

t.test('creates, updates and deletes come with the current state of the product', async (t) => {
  t.same(pageOf(await ask()).data, [])
  await putProducts(connection, ['A', 'B'], 1)
  await putProducts(connection, ['A'], 2)
  await removeProduct(connection, 'B')
  const answer = await ask()
  t.equal(answer.status, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  const { data, pagination } = pageOf(answer)
  t.same(
    data.map(({ type, sku, product }) => [type, sku, product?.stock]),
    [
      ['upsert', 'A', 2],
      ['upsert', 'B', undefined],
      ['upsert', 'A', 2],
      ['delete', 'B', undefined]
    ]
  )
  const [first] = data
  const detail = await exchange(`${url}/api/v1/products/${first?.id}`)
  t.same(first?.product, JSON.parse(detail.body.toString()))
  t.match(first?.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.equal(pagination.hasMore, false)
  t.same(pageOf(await ask(`since=${pagination.nextCursor}`)), { data: [], pagination })
})

t.test('an API key is required, and invalid parameters are refused', async (t) => {
  t.equal((await exchange(`${url}${FEED}`)).status, 401)
  const cursor = await end()
  for (const [query, code] of [
    ['limit=0', 'validation-failed'],
    ['limit=1001', 'validation-failed'],
    ['wait=31', 'validation-failed'],
    ['wait=-1', 'validation-failed'],
    ['wait=1.5', 'validation-failed'],
    ['cursor=x', 'validation-failed'],
    ['since=', 'invalid-cursor'],
    ['since=nonsense', 'invalid-cursor'],
    [`since=${cursor.slice(0, -1)}`, 'invalid-cursor'],
    [`since=${cursor}&since=${cursor}`, 'validation-failed']
  ] as const) {
    const answer = await ask(query)
    t.equal(answer.status, 400, query)
    t.equal(JSON.parse(answer.body.toString()).code, code, query)
  }
})

t.test('a waiting request returns with a change, or without one after its time', async (t) => {
  const cursor = await end()
  const answer = ask(`since=${cursor}&wait=30`)
  await untilWaiting(1)
  await putProducts(connection, ['A'], 3)
  const page = pageOf(await answer)
  // A wait that ends with its time returns what was there before it.
  t.match(page, { data: [{ sku: 'A', product: { stock: 3 } }] })

  const since = page.pagination.nextCursor
  const idle = pageOf(await ask(`since=${since}&wait=1`))
  t.same(idle, { data: [], pagination: { nextCursor: since, hasMore: false } })
})

t.test('a hundred waiting requests send no queries, and a change is read once for all of them', async (t) => {
  const cursor = await end()
  const answers = Promise.all(Array.from({ length: 100 }, () => ask(`since=${cursor}&wait=30`)))
  await untilWaiting(100)
  const readings = new Set<number>()
  const logReads = await countReads(
    () => waitFor('the tail has read', () => readings.add(app.changeLog.tail.readAtMs).size > 5),
    'WHERE seq >='
  )
  t.ok(logReads >= 5 && logReads <= 7, `${logReads} for all of them`)
  const reads = await countReads(async () => {
    await putProducts(connection, ['A'], 4)
    await answers
  })
  t.equal(reads, 1, 'statements that read products')
  for (const answer of await answers) t.match(pageOf(answer), { data: [{ product: { stock: 4 } }] })
})

t.test('a wait ends when its client disconnects', async (t) => {
  const cursor = await end()
  const requests: ClientRequest[] = Array.from({ length: 5 }, () =>
    get(`${url}${FEED}?since=${cursor}&wait=30`, { headers: { 'x-api-key': key }, agent: false }).on('error', () => {})
  )
  await untilWaiting(5)
  for (const request of requests) request.destroy()
  await untilWaiting(0)
  t.pass()
})

t.test('at shutdown all waiting requests are answered', async (t) => {
  const service = await startService(t, {
    ...toEnvironment(config),
    LOG_LEVEL: 'info',
    SHUTDOWN_DRAIN_MS: '60000'
  })
  const cursor = await end()
  const path = `${service.url}${FEED}?since=${cursor}&wait=30`
  const answers = Promise.all(Array.from({ length: 10 }, () => exchange(path, { 'x-api-key': key })))
  await untilWaiting(10, service.url)
  service.signal('SIGTERM')
  for (const answer of await answers) {
    t.equal(answer.status, 200)
    t.equal(answer.headers.connection, 'close')
    t.same(pageOf(answer).data, [])
  }
  t.equal((await exchange(path, { 'x-api-key': key })).status, 200, 'and later ones do not wait')
  t.equal((await exchange(`${service.url}/health/liveness`)).status, 200, 'all that before the drain time is over')
})

t.test('an expired cursor is a 410 that says what to do', async (t) => {
  const { nextCursor } = pageOf(await ask('limit=1')).pagination
  await putProducts(connection, ['A'], 5)
  const cursor = await end()
  await connection.query('DELETE FROM product_changes ORDER BY seq LIMIT 2')
  for (const query of ['', `since=${nextCursor}`]) {
    const answer = await ask(query)
    t.equal(answer.status, 410)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.match(answer.headers['content-type'], 'application/problem+json')
    t.match(JSON.parse(answer.body.toString()), { code: 'cursor-expired', detail: /Export the catalogue/ })
  }
  t.equal((await ask(`since=${cursor}`)).status, 200)
})
