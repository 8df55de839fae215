import { Redis } from 'ioredis'
import t from 'tap'
import type { ProductPage } from '../../../schemas/products.ts'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { countedDatabase } from '../../support/counted-database.ts'
import { exchange, listen } from '../../support/exchange.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { privateRedis } from '../../support/private-engines.ts'
import { testApp } from '../../support/test-app.ts'
import { waitFor } from '../../support/wait-for.ts'

const PATH = '/api/v1/products'
const PREFIX = 'shop-1:'

const server = await privateRedis(t)
const redis = new Redis(server.socketPath)
t.teardown(() => redis.quit())
const { config, connection, countReads } = await countedDatabase(t, {
  REDIS_URL: server.socketPath,
  REDIS_KEY_PREFIX: PREFIX,
  // Its keys and commands are not those of the cache.
  RATE_LIMIT_ENABLED: 'false'
})
const products = await insertProducts(
  connection,
  Array.from({ length: 30 }, (_, at) => ({ name: `Cup ${at}`, price: '10.00', category: at % 2 ? 'Cups' : 'Mugs' }))
)
const ids = products.map(formatId)
const app = await testApp(t, config)
const url = await listen(app)
const get = (target: string) => exchange(url + target)
// So that the sample is there by which searches are planned.
await get(`${PATH}?search=anything`)

t.test('equivalent queries share one entry, however they are written', async (t) => {
  const spellings = [
    ['', '?', '?limit=20', '?sortBy=createdAt', '?sortOrder=desc', '?limit=20&sortOrder=desc&sortBy=createdAt'],
    ['?category=Cups&category=Mugs', '?category=Mugs&category=Cups', '?category=Mugs&category=Cups&category=Mugs'],
    ['?search=Cup%201&maxPrice=20', '?maxPrice=20&search=Cup+1', '?search=Cup%20%31&maxPrice=20&limit=20']
  ]
  for (const queries of spellings) {
    const entriesBefore = app.cache.memory.count
    const reads = await countReads(async () => {
      const answers = []
      for (const query of queries) answers.push(await get(PATH + query))
      t.same([...new Set(answers.map(({ status }) => status))], [200])
      t.equal(new Set(answers.map(({ body }) => body.toString())).size, 1)
    })
    t.equal(reads, 1, queries.join(' '))
    t.equal(app.cache.memory.count, entriesBefore + 1)
  }
  t.equal(await countReads(() => Promise.all([get(`${PATH}/${ids[0]}`), get(`${PATH}/${ids[0]?.toUpperCase()}`)])), 1)
})

t.test('different queries have different entries', async (t) => {
  const first = await get(`${PATH}?limit=7`)
  const { nextCursor } = JSON.parse(first.body.toString()).pagination as ProductPage['pagination']
  const queries = [
    ...['limit=8', 'limit=9', 'limit=8&sortOrder=asc', 'limit=8&sortBy=name', 'limit=8&sortBy=price'],
    ...['limit=8&minPrice=1', 'limit=8&maxPrice=11', 'limit=8&minPrice=11', 'limit=8&minPrice=1&maxPrice=11'],
    ...['limit=8&category=Cups', 'limit=8&category=Mugs', 'limit=8&category=Cups%26category%3DMugs'],
    ...['limit=8&search=cup', 'limit=8&search=Cup', 'limit=8&search=cup%26maxPrice%3D1', 'limit=8&search=maxPrice+1'],
    ...[`limit=7&cursor=${nextCursor}`, `limit=8&cursor=${nextCursor}`]
  ]
  const entriesBefore = app.cache.memory.count
  const reads = await countReads(() => Promise.all(queries.map((query) => get(`${PATH}?${query}`))))
  t.equal(reads, queries.length)
  t.equal(app.cache.memory.count, entriesBefore + queries.length)
})

t.test('the keys in Redis have one form, the prefix, and an expiry', async (t) => {
  const keys = await waitFor('all is stored, and no lease is left', async () => {
    const keys = await redis.keys('*')
    return keys.length === app.cache.memory.count && keys.every((key) => key.includes('answer:')) && keys
  })
  for (const key of keys) {
    t.match(key, /^shop-1:answer:\{(list:[\w-]{43}|product:[0-9a-f]{32})\}$/)
    const leftMs = await redis.pttl(key)
    t.ok(leftMs > 0 && leftMs <= 3_600_000 + 600_000, `${leftMs} ms`)
  }
})

t.test('no command scans all keys, and a request is one command', async (t) => {
  await redis.config('RESETSTAT')
  const queries = Array.from({ length: 10 }, (_, at) => `${PATH}?maxPrice=${100 + at}`)
  await Promise.all(queries.map(get))
  const calls = await waitFor('all is stored', async () => {
    const stats = [...(await redis.info('commandstats')).matchAll(/cmdstat_([^:]+):calls=(\d+)/g)]
    const calls = new Map(stats.map(([, name, count]) => [name, Number(count)]))
    return (calls.get('evalsha') ?? 0) >= 2 * queries.length && calls
  })
  t.equal(calls.get('evalsha'), 2 * queries.length, 'one to ask for it and one to store it')
  await Promise.all(queries.map(get))
  t.match(await redis.info('commandstats'), `evalsha:calls=${2 * queries.length},`, 'and none to have it from memory')
  t.same(
    [...calls.keys()].filter((name) => /^(keys|scan|hscan|sscan|randomkey|flush)/.test(name ?? '')),
    []
  )
})
