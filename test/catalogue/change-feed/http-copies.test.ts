import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import t from 'tap'
import { startBulk } from '../../support/bulk-client.ts'
import { listen } from '../../support/exchange.ts'
import { feedReader } from '../../support/feed-reader.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { makeKey } from '../../support/make-key.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { PRODUCTS, type WriteClient, writeClient } from '../../support/write-client.ts'
import { tableOf } from './support/table-of.ts'

const WRITERS = 8
const SECONDS = Number(process.env.COPY_TEST_SECONDS ?? 3)
/** So that an export takes several statements, and writes come in between. */
const PRODUCTS_BEFORE = 3000

const config = await testConfig(t)
const connection = await testConnection(t, config)
// Nobody has logged these: the changes alone don't have them.
const before = await insertProducts(
  connection,
  Array.from({ length: PRODUCTS_BEFORE }, () => ({ stock: 50 }))
)
const { key } = await makeKey(connection, { scopes: ['products:write'] })
const urls = [await listen(await testApp(t, config)), await listen(await testApp(t, config))]

/** What the writers have made, and may have deleted: they all write to the same. */
const known = before.slice(0, 100).map((id) => id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))

const pick = <T>(values: readonly T[]): T => values[randomInt(values.length)] as T
const product = () => ({
  sku: `S${randomInt(60)}`,
  name: `Product ${randomInt(1000)}`,
  price: randomInt(100),
  stock: 9
})

/** One write of any kind. What another writer made impossible is refused, in words that are known. */
type Write = (send: WriteClient, url: string) => Promise<{ status: number; allowed: number[] }>
const writes: Readonly<Record<string, Write>> = {
  async create(send) {
    const { status, json } = await send('POST', PRODUCTS, product())
    if (status === 201) known.push(json.id)
    return { status, allowed: [201, 409] }
  },
  async put(send) {
    const id = randomInt(2) === 0 ? randomUUID() : pick(known)
    const { status } = await send('PUT', `${PRODUCTS}/${id}`, { ...product(), sku: null })
    if (status === 201) known.push(id)
    return { status, allowed: [200, 201] }
  },
  async patch(send) {
    const { status } = await send('PATCH', `${PRODUCTS}/${pick(known)}`, { price: randomInt(100), category: 'Changed' })
    return { status, allowed: [200, 404] }
  },
  async remove(send) {
    const { status } = await send('DELETE', `${PRODUCTS}/${pick(known)}`)
    return { status, allowed: [204, 404] }
  },
  async adjust(send) {
    const { status } = await send('POST', `${PRODUCTS}/${pick(known)}/stock-adjustments`, { delta: randomInt(-5, 5) })
    return { status, allowed: [200, 404, 409] }
  },
  async bulk(_send, url) {
    const bulk = startBulk(url, key)
    for (let line = 0; line < 20; line++) {
      const sku = `S${randomInt(60)}`
      bulk.send(randomInt(4) === 0 ? { sku, delete: true } : { ...product(), sku })
    }
    const { status, end, results } = await bulk.finish()
    for (const { status, id } of results) if (status === 'created' && id !== undefined) known.push(id)
    // Four at a time.
    assert.ok(status === 503 || end?.isComplete, `${status}`)
    return { status, allowed: [200, 503] }
  }
}

t.test('eight writers and four readers on two instances: export and changes are a complete copy', async (t) => {
  const done = new Map<string, number>()
  const endsAt = performance.now() + SECONDS * 1000
  const count = () => [...done.values()].reduce((sum, writes) => sum + writes, 0)
  const isEnough = () =>
    Object.keys(writes).every((kind) => (done.get(kind) ?? 0) > 5) && readers.every(({ told }) => told.length > 0)
  let isWriting = true

  async function write(number: number): Promise<void> {
    const clients = await Promise.all(urls.map((url) => writeClient(connection, url)))
    for (let round = number; performance.now() < endsAt || !isEnough(); round++) {
      const kind = pick(Object.keys(writes))
      const { status, allowed } = (await writes[kind]?.(clients[round % 2] as WriteClient, urls[round % 2] ?? '')) ?? {
        status: 0,
        allowed: []
      }
      assert.ok(allowed.includes(status), `${kind}: ${status}`)
      if (status < 300) done.set(kind, (done.get(kind) ?? 0) + 1)
    }
  }

  const readers = [
    feedReader(urls[0] ?? '', key, 'limit=1000&wait=1'),
    feedReader(urls[0] ?? '', key, 'limit=7'),
    feedReader(urls[1] ?? '', key, 'limit=1'),
    feedReader(urls[1] ?? '', key, 'limit=100&wait=1')
  ]
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, number) => write(number)))
  const ended = writing.finally(() => {
    isWriting = false
  })
  const reading = readers.map(async (reader, number) => {
    await waitFor('the writers are at work', () => count() > 10 * (number + 1))
    await reader.readExport()
    for (let page = 1; isWriting; page++) {
      // Two begin anew now and then: so there are more exports in the midst of writes.
      if (number % 2 === 0 && page % 20 === 0) await reader.readExport()
      else await reader.read()
    }
  })
  await Promise.all([ended, ...reading])
  for (const reader of readers) await reader.catchUp()

  const table = [...(await tableOf(connection))].sort()
  t.comment(`${JSON.stringify(Object.fromEntries(done))}, ${table.length} products`)
  for (const { copy, told } of readers) {
    t.ok(told.length > 0, `${told.length} changes`)
    t.same([...copy].sort(), table)
  }
})
