import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { Product } from '../../schemas/products.ts'
import { bulk, toNdjson } from '../support/bulk-client.ts'
import { listen } from '../support/exchange.ts'
import { makeKey } from '../support/make-key.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'
import { PRODUCTS, writeClient } from '../support/write-client.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const [here, there] = [await listen(await testApp(t, config)), await listen(await testApp(t, config))]
const [send, sendThere] = [await writeClient(connection, here), await writeClient(connection, there)]
const { key } = await makeKey(connection, { scopes: ['products:write'] })
const sendBeside = await writeClient(connection, here)
const LIST = `${PRODUCTS}?category=Own`

type Client = typeof send

async function detail(client: Client, id: string): Promise<unknown> {
  const { status, json } = await client('GET', `${PRODUCTS}/${id}`)
  return status === 404 ? null : json
}

async function list(client: Client): Promise<unknown[]> {
  return JSON.parse((await client('GET', LIST)).text).data
}

/** What follows a cursor: the last state that is told, and where that ends. */
async function changes(client: Client, since: string | undefined): Promise<{ state: unknown; nextCursor: string }> {
  const { text } = await client('GET', `${PRODUCTS}/changes?limit=1000${since === undefined ? '' : `&since=${since}`}`)
  const { data, pagination } = JSON.parse(text)
  return { state: data.at(-1)?.product ?? null, nextCursor: pagination.nextCursor }
}

t.test('each write is visible at once on its instance, and soon on others', async (t) => {
  const id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'
  const path = `${PRODUCTS}/${id}`
  const tea = { sku: 'OWN-1', name: 'Tea', price: 1, category: 'Own', stock: 9 }
  let cursor: string | undefined

  async function check(name: string, id: string, wanted: unknown): Promise<void> {
    const listed = wanted === null ? [] : [wanted]
    t.same(await detail(send, id), wanted, `${name}: read where it was written`)
    t.same(await list(send), listed, `${name}: listed where it was written`)
    t.same(await list(sendBeside), listed, `${name}: also for others`)
    for (const client of [send, sendThere]) {
      const { state } = await changes(client, cursor)
      t.same(state, wanted, `${name}: told at once everywhere`)
    }
    cursor = (await changes(send, cursor)).nextCursor
    await waitFor(`${name}: read elsewhere`, async () => isDeepStrictEqual(await detail(sendThere, id), wanted))
    await waitFor(`${name}: listed elsewhere`, async () => isDeepStrictEqual(await list(sendThere), listed))
  }

  async function write(method: string, path: string, body?: unknown): Promise<Product> {
    const { status, json } = await send(method, path, body)
    t.ok(status < 300, `${method} ${status}`)
    await check(method, json.id ?? path.slice(-id.length), method === 'DELETE' ? null : json)
    return json
  }

  const made = await write('POST', PRODUCTS, tea)
  await write('DELETE', `${PRODUCTS}/${made.id}`)
  await write('PUT', path, tea)
  await write('PUT', path, { ...tea, name: 'Coffee' })
  await write('PATCH', path, { price: 2 })
  await write('POST', `${path}/stock-adjustments`, { delta: -3 })
  await write('DELETE', path)

  const { results } = await bulk(here, key, toNdjson([{ ...tea, name: 'Of a bulk' }]))
  const bulkId = results[0]?.id ?? ''
  const bulked = await detail(send, bulkId)
  t.match(bulked, { sku: 'OWN-1', name: 'Of a bulk' })
  await check('bulk', bulkId, bulked)
  await bulk(here, key, toNdjson([{ sku: 'OWN-1', delete: true }]))
  await check('deletion by bulk', bulkId, null)
})

t.test('a product read right after each of many writes is up to date', async (t) => {
  const made = await send('POST', PRODUCTS, { name: 'Tea', price: 1 })
  const path = `${PRODUCTS}/${made.json.id}`
  for (let round = 0; round < 20; round++) {
    await send('GET', path)
    const { headers } = await send('POST', `${path}/stock-adjustments`, { delta: 1 })
    t.equal((await send('GET', path)).headers.get('etag'), headers.get('etag'))
  }
})

t.test('concurrent creations of one product on two instances do not block each other', async (t) => {
  for (let round = 0; round < 30; round++) {
    const path = `${PRODUCTS}/${randomUUID()}`
    const answers = await Promise.all(
      [send, sendThere, send, sendThere].map((client) =>
        client('PUT', path, { sku: `SAME-${round}`, name: 'Tea', price: 1 })
      )
    )
    t.same(answers.map(({ status }) => status).sort(), [200, 200, 200, 201])
  }
})

t.test('of concurrent writes with one version on two instances, one succeeds', async (t) => {
  const made = await send('POST', PRODUCTS, { name: 'Tea', price: 1 })
  const path = `${PRODUCTS}/${made.json.id}`
  const headers = { 'if-match': made.headers.get('etag') ?? '' }
  const answers = await Promise.all(
    [send, sendThere, send, sendThere].map((client, at) => client('PATCH', path, { stock: at + 1 }, { headers }))
  )
  t.same(answers.map(({ status }) => status).sort(), [200, 412, 412, 412])
})
