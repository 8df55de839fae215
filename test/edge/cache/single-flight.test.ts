import t, { type Test } from 'tap'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { countedDatabase } from '../../support/counted-database.ts'
import { exchange, listen } from '../../support/exchange.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testApp } from '../../support/test-app.ts'

const REQUESTS = 250
const PATH = '/api/v1/products'

const { config, connection, countReads } = await countedDatabase(t)
const ids = (await insertProducts(connection, [{ name: 'Tea' }, { name: 'Mug' }, { name: 'Jug' }])).map(formatId)
const withoutRedis = { ...config, redis: { ...config.redis, url: '/nowhere/redis.sock' } }

async function start(t: Test, instanceConfig = config): Promise<string> {
  return await listen(await testApp(t, instanceConfig))
}

/** The same request, that often at once, from each instance in turn. */
async function storm(t: Test, urls: readonly string[], path: string) {
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, (_, at) => exchange(`${urls[at % urls.length]}${path}`))
  )
  t.same([...new Set(answers.map(({ status }) => status))], [200])
  t.equal(new Set(answers.map(({ body }) => body.toString())).size, 1, 'all are answered alike')
}

t.test('many first requests at once need one statement', async (t) => {
  const url = await start(t)
  const single = await countReads(() => exchange(`${url}${PATH}?limit=2`))
  t.equal(single, 1)
  t.equal(await countReads(() => storm(t, [url], `${PATH}?limit=3`)), 1, 'a list')
  t.equal(await countReads(() => storm(t, [url], `${PATH}/${ids[0]}`)), 1, 'a product')
  t.equal(await countReads(() => storm(t, [url], `${PATH}?limit=3`)), 0, 'and none once it is known')
})

t.test('on two instances they need at most one statement each', async (t) => {
  const urls = await Promise.all([start(t), start(t)])
  const list = await countReads(() => storm(t, urls, `${PATH}?limit=4`))
  t.ok(list >= 1 && list <= 2, `${list}`)
  const product = await countReads(() => storm(t, urls, `${PATH}/${ids[1]}`))
  t.ok(product >= 1 && product <= 2, `${product}`)
})

t.test('also without Redis', async (t) => {
  const urls = await Promise.all([start(t, withoutRedis), start(t, withoutRedis)])
  t.equal(await countReads(() => storm(t, urls, `${PATH}?limit=5`)), 2)
  t.equal(await countReads(() => storm(t, urls, `${PATH}/${ids[2]}`)), 2)
})

t.test('an instance that starts later finds responses of others in Redis', async (t) => {
  const first = await start(t)
  await exchange(`${first}${PATH}?limit=6`)
  const second = await start(t)
  t.equal(await countReads(() => storm(t, [second], `${PATH}?limit=6`)), 0)
  t.equal((await exchange(`${second}${PATH}?limit=6`)).headers['cache-status'], 'aisle; hit; detail=memory')
})
