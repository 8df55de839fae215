import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { RowDataPacket } from 'mysql2/promise'
import type { Test } from 'tap'
import { seedCatalogue } from '../../../../scripts/seed/seed-catalogue.ts'
import { parseColumnMap } from '../../../../src/catalogue/import/column-map.ts'
import { importProducts } from '../../../../src/catalogue/import/import-products.ts'
import { deliver, plain, SECRET } from '../../../support/deliver-webhook.ts'
import { listen } from '../../../support/exchange.ts'
import { makeKey } from '../../../support/make-key.ts'
import { scriptedUpstream } from '../../../support/scripted-upstream.ts'
import { scriptPages, sync } from '../../../support/supplier-feed.ts'
import { testApp } from '../../../support/test-app.ts'
import { testConfig, testConnection } from '../../../support/test-config.ts'
import { waitFor } from '../../../support/wait-for.ts'

type Json = Record<string, unknown>

const PRODUCTS = '/api/v1/products'
/** A product without the new fields. */
const tea = { name: 'Tea', price: '1.00' }

/** Writes and reads the fields `brand` and `labels` in every way in which fields are written and read. */
export async function useNewFields(t: Test): Promise<void> {
  const upstream = await scriptedUpstream(t)
  const config = await testConfig(t, { WEBHOOK_SECRET: SECRET, EXTERNAL_API_BASE_URL: upstream.url })
  const connection = await testConnection(t, config)
  const url = await listen(await testApp(t, config))
  const { key } = await makeKey(connection, { scopes: ['products:write'] })

  async function send(method: 'GET' | 'POST' | 'PATCH' | 'PUT', path: string, body?: object | string, type = 'json') {
    const headers = { 'x-api-key': key, ...(body !== undefined && { 'content-type': `application/${type}` }) }
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
    const response = await fetch(url + path, { method, headers, ...sent })
    const text = await response.text()
    return { status: response.status, etag: response.headers.get('etag'), text, json: () => JSON.parse(text) }
  }
  const lines = (text: string): Json[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  /** Reads the product with a sku in each of the ways in which products are read. */
  async function readAll(sku: string): Promise<Json[]> {
    const list = (await send('GET', `${PRODUCTS}?limit=100`)).json().data
    const listed = list.find((product: Json) => product.sku === sku)
    const found = (await send('GET', `${PRODUCTS}/${listed?.id}`)).json()
    const changes = (await send('GET', `${PRODUCTS}/changes?limit=1000`)).json().data
    const changed = changes.findLast((change: Json) => change.sku === sku)?.product
    const exported = lines((await send('GET', `${PRODUCTS}/export`)).text).find((product) => product.sku === sku)
    return [listed, found, changed, exported]
  }

  /** The product has these values, whichever way it is read. */
  async function shows(t: Test, sku: string, brand: string | null, labels: string[]): Promise<void> {
    // Lists may be a second old.
    const products = await waitFor(`${sku} with ${brand} and ${labels}`, async () => {
      const products = await readAll(sku)
      const areNew = products.every((it) => it?.brand === brand && isDeepStrictEqual(it?.labels, labels))
      return areNew && products
    })
    for (const product of products) t.same(product, products[0])
    t.same(Object.keys(products[0] ?? {}).slice(-5), ['brand', 'labels', 'stock', 'createdAt', 'updatedAt'])
  }

  const created = await send('POST', PRODUCTS, { ...tea, sku: 'HTTP', brand: ' Nord \t vale', labels: ['a', 'b'] })
  t.equal(created.status, 201, created.text)
  await shows(t, 'HTTP', 'Nord vale', ['a', 'b'])
  const path = `${PRODUCTS}/${created.json().id}`
  const patch = async (fields: object) => await send('PATCH', path, fields)

  t.same((await patch({ brand: 'Aster' })).json().labels, ['a', 'b'])
  await shows(t, 'HTTP', 'Aster', ['a', 'b'])
  const { etag } = await patch({ labels: [] })
  t.equal((await patch({ brand: 'Aster', labels: [] })).etag, etag, 'equal values are no change')
  await shows(t, 'HTTP', 'Aster', [])
  t.same((await patch({ brand: 'x'.repeat(51), labels: 'a' })).json().errors?.[0]?.pointer, '#/labels')
  t.same((await patch({ brand: 'x'.repeat(51) })).json().errors, [
    { pointer: '#/brand', detail: 'must have at most 50 characters' }
  ])
  await send('PUT', path, { ...tea, sku: 'HTTP' })
  await shows(t, 'HTTP', null, [])

  const bulk = [
    { ...tea, sku: 'BULK', brand: 'Bulk', labels: ['b'] },
    { sku: 'HTTP', labels: ['c'] }
  ]
  const results = await send(
    'POST',
    `${PRODUCTS}/bulk`,
    bulk.map((line) => JSON.stringify(line)).join('\n'),
    'x-ndjson'
  )
  t.same(
    lines(results.text).map(({ status }) => status),
    ['created', 'updated', undefined]
  )
  await shows(t, 'BULK', 'Bulk', ['b'])
  await shows(t, 'HTTP', null, ['c'])

  const csv = 'sku,name,price,maker\nIMPORT,Tea,1,Imported\n'
  const ndjson = '{"sku":"IMPORT","name":"Tea","price":1,"labels":["i"]}\n'
  const options = { sources: { nowMs: Date.now, randomBytes }, onRefusal: () => t.fail(), onIgnored: () => t.fail() }
  for (const [format, columns, text] of [
    ['csv', parseColumnMap('brand=maker'), csv],
    ['ndjson', parseColumnMap(''), ndjson]
  ] as const) {
    const source = (async function* () {
      yield Buffer.from(text)
    })()
    await importProducts(config.mysql, source, { ...options, format, columns })
  }
  await shows(t, 'IMPORT', 'Imported', ['i'])

  const event = async (id: string, type: string, occurredAt: string, data: object) => {
    const body = JSON.stringify({ id, type, occurredAt, data })
    t.equal((await deliver(url, body, plain(body))).httpStatus, 200)
  }
  await event('1', 'product.created', '2026-01-01T00:00:00Z', { ...tea, sku: 'EVENT' })
  await shows(t, 'EVENT', null, [])
  await event('3', 'product.updated', '2026-01-03T00:00:00Z', { sku: 'EVENT', brand: 'Third' })
  await shows(t, 'EVENT', 'Third', [])
  await event('2', 'product.updated', '2026-01-02T00:00:00Z', { sku: 'EVENT', brand: 'Second', labels: ['second'] })
  await shows(t, 'EVENT', 'Third', ['second'])

  scriptPages(upstream, [
    [
      { ...tea, sku: 'FEED', brand: 'Feed', labels: ['f'], updatedAt: '2026-01-01T00:00:00Z' },
      { ...tea, sku: 'EVENT', brand: 'Late', labels: null, updatedAt: '2026-01-02T12:00:00Z' }
    ]
  ])
  t.match((await sync(config)).summary, { created: 1, refused: 0 })
  await shows(t, 'FEED', 'Feed', ['f'])
  await shows(t, 'EVENT', 'Third', ['second'])

  await seedCatalogue(config.mysql, { rows: 10, seed: 1 })
  const [seeded] = await connection.query<RowDataPacket[]>(
    "SELECT id FROM products WHERE sku LIKE '%-1-%' AND brand_name IS NULL AND labels = '[]'"
  )
  t.ok(seeded.length > 0, 'generated products have the defaults')

  const { schemas } = (await send('GET', '/openapi.json')).json().components
  for (const name of ['Product', 'ProductInput', 'ProductPatch', 'BulkUpsert']) {
    t.match(schemas[name]?.properties, { brand: Object, labels: { type: 'array' } }, name)
  }
  t.match(schemas.ProductUpdatedEvent.properties.data.properties, { brand: Object, labels: { type: 'array' } })
}
