import { createHook } from 'node:async_hooks'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { type Exchange, exchange, listen } from '../../support/exchange.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const LIST = '/api/v1/products'
const config = await testConfig(t)
const connection = await testConnection(t, config)
const products = await insertProducts(
  connection,
  Array.from({ length: 40 }, (_, at) => ({
    name: `Cup ${at}`,
    description: 'Blue and white, for coffee or tea. '.repeat(40)
  }))
)
const DETAIL = `${LIST}/${formatId(products[0] ?? Buffer.alloc(16))}`
const app = await testApp(t, config)
const url = await listen(app)

const get = (path: string, acceptEncoding?: string) =>
  exchange(url + path, acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding })

function decoded({ headers, body }: Exchange): Buffer {
  const coding = headers['content-encoding']
  if (coding === undefined) return body
  return coding === 'br' ? brotliDecompressSync(body) : gunzipSync(body)
}

/** How many bodies Node has compressed since the test began. */
function countCompressions(t: Test) {
  let count = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'ZLIB') count++
    }
  }).enable()
  t.teardown(() => hook.disable())
  return () => count
}

t.test('a list comes in the coding that the client asks for, and is the same list', async (t) => {
  const plain = await get(LIST)
  t.equal(plain.headers['content-encoding'], undefined)
  const cases: [acceptEncoding: string, coding: string | undefined][] = [
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['GZIP', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0.2, gzip;q=0.9', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['identity', undefined],
    ['gzip;q=0', undefined],
    ['deflate, zstd', undefined],
    ['*;q=0', undefined],
    ['', undefined]
  ]
  for (const [acceptEncoding, coding] of cases) {
    const answer = await get(LIST, acceptEncoding)
    t.equal(answer.headers['content-encoding'], coding, acceptEncoding)
    t.equal(Number(answer.headers['content-length']), answer.body.length)
    t.ok(decoded(answer).equals(plain.body), 'the same bytes')
    t.equal(answer.headers.etag, plain.headers.etag, 'a weak tag stands for all codings')
    if (coding !== undefined) t.ok(answer.body.length < plain.body.length / 4)
  }
})

t.test('small answers and single products are sent as they are', async (t) => {
  const empty = await get(`${LIST}?category=none`, 'gzip')
  t.equal(empty.headers['content-encoding'], undefined)
  const detail = await get(DETAIL, 'gzip')
  t.ok(detail.body.length > 1024)
  t.equal(detail.headers['content-encoding'], undefined)
})

t.test('caches are told what an answer depends on', async (t) => {
  for (const path of [LIST, `${LIST}?category=none`, `${LIST}?limit=1`]) {
    for (const acceptEncoding of [undefined, 'gzip', 'identity', 'x']) {
      const { headers } = await get(path, acceptEncoding)
      t.match(headers.vary, /\bAccept-Encoding\b/i, `${path} ${acceptEncoding}`)
      const known = await exchange(url + path, { 'if-none-match': headers.etag })
      t.equal(known.headers.vary, headers.vary)
    }
  }
  t.equal((await get(DETAIL, 'gzip')).headers.vary, undefined, 'a product is the same for all')
})

t.test('an answer is compressed once, and sent from memory after that', async (t) => {
  const compressions = countCompressions(t)
  const path = `${LIST}?limit=30`
  const first = await get(path, 'gzip')
  t.equal(compressions(), 1)
  const entry = app.cache.memory.getByUrl(path)
  t.same(Object.keys(entry?.encoded ?? {}), ['gzip'])
  for (let i = 0; i < 10; i++) {
    const again = await get(path, 'gzip')
    t.equal(again.headers['cache-status'], 'aisle; hit; detail=memory')
    t.ok(again.body.equals(first.body))
  }
  t.ok(entry?.encoded.gzip?.body.equals(first.body))
  t.equal(compressions(), 1)
  await get(path, 'br')
  t.equal(compressions(), 2)
})

t.test('also when many ask for it at once', async (t) => {
  const compressions = countCompressions(t)
  await Promise.all(Array.from({ length: 100 }, () => get(`${LIST}?limit=35`, 'br')))
  t.equal(compressions(), 1)
})

t.test('the memory counts what each coding takes', async (t) => {
  const path = `${LIST}?limit=25`
  await get(path)
  const before = app.cache.memory.sizeBytes
  const { body } = await get(path, 'gzip')
  t.ok(app.cache.memory.sizeBytes - before >= body.length)
})
