import { randomBytes } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import t from 'tap'
import { type ProductUpsert, upsertProducts } from '../../src/catalogue/products/upsert-products.ts'
import { formatId } from '../../src/platform/lib/uuid.ts'
import { countedDatabase } from '../support/counted-database.ts'
import { type Exchange, exchange, listen } from '../support/exchange.ts'
import { insertProducts } from '../support/insert-products.ts'
import { testApp } from '../support/test-app.ts'
import { waitFor } from '../support/wait-for.ts'

const LIST = '/api/v1/products'
/** Header fields of an answer to everybody, whatever it is. */
const SHARED_FIELDS = ['etag', 'cache-control', 'vary', 'link', 'last-modified', 'cache-status']
const CHANGING_FIELDS = [
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'ratelimit',
  'x-request-id',
  'date',
  'cache-status',
  'connection',
  'keep-alive'
]

const { config, connection, countReads } = await countedDatabase(t)
const [teaId, mugId] = (
  await insertProducts(connection, [
    { sku: 'TEA-1', name: 'Tea', price: '5.00', updatedAt: '2026-03-02T17:05:12.481Z' },
    { sku: 'MUG-1', name: 'Mug', price: '7.00' },
    ...Array.from({ length: 30 }, (_, at) => ({ name: `Cup ${at}`, description: 'A cup, of which there are many.' }))
  ])
).map(formatId)
const TEA = `${LIST}/${teaId}`
const MISSING = `${LIST}/00000000-0000-7000-8000-000000000000`
const start = async () => await listen(await testApp(t, config))
const url = await start()

const get = (path: string, headers?: OutgoingHttpHeaders) => exchange(url + path, headers)
const head = (path: string, headers?: OutgoingHttpHeaders) => exchange(url + path, headers, 'HEAD')
const pick = ({ headers }: Exchange, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, headers[name]]))
const without = ({ headers }: Exchange, names: readonly string[]) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))

/** Makes the products as they are told to be, and waits until that is seen. */
async function change(product: ProductUpsert) {
  await upsertProducts(connection, [product], { nowMs: Date.now, randomBytes })
  await waitFor('it is seen', async () => {
    const { body } = await get(`${TEA}`)
    return Object.entries(product).every(([name, value]) => JSON.parse(body.toString())[name] === value)
  })
}

t.test('lists have weak entity tags, products strong ones and a date', async (t) => {
  const list = await get(LIST)
  t.match(list.headers.etag, /^W\/"[\w-]{22}"$/)
  t.equal(list.headers['last-modified'], undefined)
  const tea = await get(TEA)
  t.match(tea.headers.etag, /^"[^"]+"$/)
  t.equal(tea.headers['last-modified'], 'Mon, 02 Mar 2026 17:05:12 GMT')
})

t.test('a response that the client has is not sent again, and MySQL is not asked', async (t) => {
  for (const path of [LIST, TEA]) {
    const full = await get(path)
    const opaque = full.headers.etag?.replace('W/', '') ?? ''
    const conditions = [`${full.headers.etag}`, opaque, `W/${opaque}`, '*', `"x", ${full.headers.etag} ,"y"`]
    const reads = await countReads(async () => {
      for (const noneMatch of [...conditions, `"x", W/"y", ${opaque}`]) {
        const answer = await get(path, { 'if-none-match': noneMatch })
        t.equal(answer.status, 304, `${path} ${noneMatch}`)
        t.same(pick(answer, SHARED_FIELDS), {
          ...pick(full, SHARED_FIELDS),
          'cache-status': 'aisle; hit; detail=memory'
        })
        t.equal(answer.body.length, 0)
        for (const name of ['content-length', 'content-type', 'content-encoding', 'transfer-encoding'])
          t.notOk(name in answer.headers, name)
      }
    })
    t.equal(reads, 0)
  }
})

t.test('a response that the client lacks, or claims in a malformed way, is sent', async (t) => {
  for (const path of [LIST, TEA]) {
    const { body, headers } = await get(path)
    const bare = headers.etag?.replace(/W\/|"/g, '')
    for (const noneMatch of ['"x"', `${bare}`, `"${bare}x"`, `"${bare}`, '""', ',', '"*"', 'W/*']) {
      const answer = await get(path, { 'if-none-match': noneMatch })
      t.equal(answer.status, 200, noneMatch)
      t.ok(answer.body.equals(body))
    }
    t.equal((await get(path, { 'if-none-match': '*', 'cache-control': 'no-cache' })).status, 200, 'a reload')
  }
})

t.test('If-Modified-Since, for products', async (t) => {
  const statusSince = async (since: string, more?: OutgoingHttpHeaders) =>
    (await get(TEA, { 'if-modified-since': since, ...more })).status
  t.equal(await statusSince('Mon, 02 Mar 2026 17:05:12 GMT'), 304)
  t.equal(await statusSince('Tue, 03 Mar 2026 00:00:00 GMT'), 304)
  t.equal(await statusSince('Mon, 02 Mar 2026 17:05:11 GMT'), 200)
  t.equal(await statusSince('yesterday'), 200)
  t.equal(await statusSince('Mon, 02 Mar 2026 17:05:12 GMT', { 'if-none-match': '"x"' }), 200, 'the tag decides')
  t.equal((await get(LIST, { 'if-modified-since': 'Tue, 03 Mar 2099 00:00:00 GMT' })).status, 200)
})

t.test('the first answer of all may be a 304', async (t) => {
  const { headers } = await get(`${LIST}?limit=3`)
  const answer = await exchange(`${await start()}${LIST}?limit=3`, { 'if-none-match': headers.etag })
  t.equal(answer.status, 304)
})

t.test('no condition turns a 404 into a 304', async (t) => {
  for (const condition of [{ 'if-none-match': '*' }, { 'if-none-match': '"x"' }, {}]) {
    const answer = await get(MISSING, condition)
    t.equal(answer.status, 404)
    t.match(answer.headers['content-type'], 'application/problem+json')
    t.equal((await head(MISSING, condition)).status, 404)
  }
  t.equal((await get(`${LIST}?limit=0`, { 'if-none-match': '*' })).status, 400)
})

t.test('HEAD is GET without a body', async (t) => {
  for (const path of [LIST, TEA, `${LIST}?limit=4`]) {
    for (const headers of [{}, { 'accept-encoding': 'gzip' }, { 'accept-encoding': 'br' }]) {
      const first = await head(path, headers)
      const full = await get(path, headers)
      const again = await head(path, headers)
      for (const answer of [first, again]) {
        t.equal(answer.status, 200)
        t.same(without(answer, CHANGING_FIELDS), without(full, CHANGING_FIELDS))
        t.equal(answer.body.length, 0)
      }
      t.equal(Number(full.headers['content-length']), full.body.length)
      const last = await get(path, { ...headers, connection: 'close' })
      t.same(without(last, CHANGING_FIELDS), without(full, CHANGING_FIELDS))
      t.ok(last.body.equals(full.body))
      t.equal(last.headers.connection, 'close')
      t.ok(full.headers.date && last.headers.date)
    }
    const { headers } = await get(path)
    const known = await head(path, { 'if-none-match': headers.etag })
    t.equal(known.status, 304)
    t.notOk('content-length' in known.headers)
  }
})

t.test('tags are the same on every instance', async (t) => {
  const others = [await start(), await start()]
  for (const path of [LIST, `${LIST}?search=cup&limit=5`, TEA]) {
    const { headers } = await get(path)
    for (const other of others) t.equal((await exchange(other + path)).headers.etag, headers.etag)
  }
})

t.test('a tag changes when the product does, and only then', async (t) => {
  const first = { tea: await get(TEA), mug: await get(`${LIST}/${mugId}`), list: await get(LIST) }
  await change({ sku: 'TEA-1', name: 'Tea', price: '6.00' })
  const second = { tea: await get(TEA), mug: await get(`${LIST}/${mugId}`) }
  t.not(second.tea.headers.etag, first.tea.headers.etag)
  t.equal(second.mug.headers.etag, first.mug.headers.etag)
  await waitFor('the list shows it', async () => (await get(LIST)).headers.etag !== first.list.headers.etag)
  t.equal((await get(TEA, { 'if-none-match': first.tea.headers.etag })).status, 200)
  await change({ sku: 'TEA-1', name: 'Tea', price: '6.00' })
  t.equal((await get(TEA)).headers.etag, second.tea.headers.etag, 'a write that changes nothing')
  const other = await exchange(`${await start()}${TEA}`)
  t.equal(other.headers.etag, second.tea.headers.etag)
})
