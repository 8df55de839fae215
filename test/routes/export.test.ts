import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { RowDataPacket } from 'mysql2'
import t from 'tap'
import { exchange, listen } from '../support/exchange.ts'
import { parseExposition } from '../support/exposition.ts'
import { insertProducts } from '../support/insert-products.ts'
import { makeKey } from '../support/make-key.ts'
import { EXPORT, parseExport, readExport } from '../support/read-export.ts'
import { startService, toEnvironment } from '../support/service.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'
import { writeClient } from '../support/write-client.ts'

const MANY = 6000

const config = await testConfig(t)
const connection = await testConnection(t, config)
const { key } = await makeKey(connection)
const app = await testApp(t, config)
const url = await listen(app)
const send = await writeClient(connection, url)

const ask = (query = '', headers = {}, method = 'GET') =>
  exchange(`${url}${EXPORT}${query}`, { 'x-api-key': key, ...headers }, method)

async function metric(name: string): Promise<number | undefined> {
  const { body } = await exchange(`${url}/metrics`)
  const samples = parseExposition(body.toString()).flatMap(({ samples }) => samples)
  return samples.find((sample) => sample.name === name)?.value
}

/** Begins to read, and stops: more is on the way than fits between the two. */
async function beginExport(baseUrl = url, headers = {}): Promise<IncomingMessage> {
  const asking = request(`${baseUrl}${EXPORT}`, { headers: { 'x-api-key': key, ...headers }, agent: false }).end()
  const [response] = await once(asking, 'response')
  response.on('error', () => {})
  return response
}

t.test('an empty catalogue has one line, and its cursor is the beginning', async (t) => {
  const answer = await ask()
  t.equal(answer.status, 200)
  t.equal(answer.headers['content-type'], 'application/x-ndjson; charset=utf-8')
  t.equal(answer.headers['cache-control'], 'no-store')
  t.match(answer.headers.vary, /^Accept-Encoding/)
  t.ok(answer.headers['x-request-id'])
  const { changesCursor } = parseExport(answer.body.toString())
  const made = await send('POST', '/api/v1/products', { sku: 'A', name: 'Tea', price: 1 })
  const changes = await exchange(`${url}/api/v1/products/changes?since=${changesCursor}`, { 'x-api-key': key })
  t.match(JSON.parse(changes.body.toString()), { data: [{ type: 'upsert', id: made.json.id }] })
})

t.test(
  'lines equal the responses of the detail route; what the export has does not come with the changes',
  async (t) => {
    await send('POST', '/api/v1/products', {
      sku: 'B',
      name: 'Téa & "🍵"',
      price: '1.5',
      description: 'x\ny',
      stock: 3
    })
    const { lines, products, changesCursor } = await readExport(url, key)
    t.equal(lines.length, 2)
    t.same(
      products,
      [...products].sort((a, b) => (a.id < b.id ? -1 : 1))
    )
    for (const [at, { id }] of products.entries())
      t.equal((await exchange(`${url}/api/v1/products/${id}`)).body.toString(), lines[at])
    const changes = await exchange(`${url}/api/v1/products/changes?since=${changesCursor}`, { 'x-api-key': key })
    t.same(JSON.parse(changes.body.toString()).data, [])
  }
)

t.test('the cursor of an export works after the log was purged', async (t) => {
  await connection.query(
    'DELETE FROM product_changes WHERE seq < (SELECT head FROM (SELECT MAX(seq) AS head FROM product_changes) AS log)'
  )
  const { changesCursor } = await readExport(url, key)
  await send('POST', '/api/v1/products', { sku: 'C', name: 'Coffee', price: 20 })
  const changes = await exchange(`${url}/api/v1/products/changes?since=${changesCursor}`, { 'x-api-key': key })
  t.match(JSON.parse(changes.body.toString()), { data: [{ sku: 'C' }] })
})

t.test('filters work, and invalid parameters are refused', async (t) => {
  const skus = async (query: string) => (await readExport(url, key, query)).products.map(({ sku }) => sku).sort()
  t.same(await skus('search=tea'), ['A', 'B'])
  t.same(await skus('minPrice=1.5'), ['B', 'C'])
  t.same(await skus('maxPrice=1.5&search=te'), ['A', 'B'])
  t.same(await skus('category=none'), [])
  for (const query of [
    'sortBy=price',
    'limit=3',
    'cursor=x',
    'page=1',
    'minPrice=1e3',
    'minPrice=2&maxPrice=1',
    'search=%20-'
  ])
    t.equal((await ask(`?${query}`)).status, 400, query)
  t.equal((await exchange(url + EXPORT)).status, 401)
  t.equal(await metric('aisle_exports_running'), 0)
})

t.test('HEAD has the header fields, and starts no export', async (t) => {
  const before = await metric('aisle_exported_rows_total')
  const head = await ask('', { 'accept-encoding': 'gzip' }, 'HEAD')
  t.equal(head.status, 200)
  t.equal(head.headers['content-encoding'], 'gzip')
  t.equal(head.headers['content-length'], undefined)
  t.equal(head.body.length, 0)
  t.equal((await ask('?limit=1', {}, 'HEAD')).status, 400)
  t.equal(await metric('aisle_exported_rows_total'), before)
})

t.test('gzip on request', async (t) => {
  const plain = await ask()
  t.equal(plain.headers['content-encoding'], undefined)
  for (const accepted of ['gzip', 'br, gzip', 'gzip;q=0.5, br;q=0.9, *;q=0']) {
    const { headers, body } = await ask('', { 'accept-encoding': accepted })
    t.equal(headers['content-encoding'], 'gzip', accepted)
    t.same(parseExport(gunzipSync(body).toString()), parseExport(plain.body.toString()))
  }
  for (const accepted of ['br', 'identity', 'gzip;q=0', ''])
    t.equal((await ask('', { 'accept-encoding': accepted })).headers['content-encoding'], undefined, accepted)
})

t.test('a large catalogue is exported whole', async (t) => {
  // More than fits between the two, also when it is compressed.
  await insertProducts(
    connection,
    Array.from({ length: MANY }, () => ({ description: randomBytes(2000).toString('hex') }))
  )
  const before = (await metric('aisle_exported_rows_total')) ?? 0
  const { products } = await readExport(url, key)
  t.equal(products.length, MANY + 3)
  t.equal(await metric('aisle_exported_rows_total'), before + MANY + 3)
})

t.test('two run at a time; an export ends when its client disconnects', async (t) => {
  const running = [await beginExport(), await beginExport(url, { 'accept-encoding': 'gzip' })]
  t.equal(await metric('aisle_exports_running'), 2)
  const refused = await ask()
  t.equal(refused.status, 503)
  t.ok(Number(refused.headers['retry-after']) > 0)
  t.equal(refused.headers['content-encoding'], undefined)
  t.match(JSON.parse(refused.body.toString()), { code: 'overloaded' })
  for (const response of running) response.destroy()
  await waitFor('both have ended', async () => (await metric('aisle_exports_running')) === 0)
  t.equal((await readExport(url, key)).lines.length, MANY + 3)
})

t.test('a client that disconnects before the response begins leaves nothing running', async (t) => {
  const connections = promisify(app.server.getConnections.bind(app.server))
  await connection.query('LOCK TABLES products WRITE')
  const asking = request(`${url}${EXPORT}`, { headers: { 'x-api-key': key }, agent: false })
    .on('error', () => {})
    .end()
  await waitFor('it has begun', async () => (await metric('aisle_exports_running')) === 1)
  const before = await connections()
  asking.destroy()
  await waitFor('the service knows', async () => (await connections()) < before)
  await connection.query('UNLOCK TABLES')
  await waitFor('it has ended', async () => (await metric('aisle_exports_running')) === 0)
  t.equal((await ask('?category=none')).status, 200)
})

t.test('when the connection to the database is killed the body ends early', async (t) => {
  for (const headers of [{}, { 'accept-encoding': 'gzip' }]) {
    const response = await beginExport(url, headers)
    const [processes] = await connection.query<RowDataPacket[]>('SHOW PROCESSLIST')
    const own = processes.filter(({ Id, db }) => db === config.mysql.database && Id !== connection.threadId)
    for (const { Id } of own) await connection.query(`KILL ${Id}`)
    await t.rejects(buffer(response), { code: 'ECONNRESET' })
    t.equal(response.complete, false)
    await waitFor('it has ended', async () => (await metric('aisle_exports_running')) === 0)
  }
})

t.test('at the end of the drain time a running export is cut, and the service stops', async (t) => {
  const service = await startService(t, { ...toEnvironment(config), LOG_LEVEL: 'info', SHUTDOWN_DRAIN_MS: '100' })
  const response = await beginExport(service.url)
  service.signal('SIGTERM')
  await waitFor('it is draining', () => service.logged(/stopping/).length > 0)
  await t.rejects(buffer(response), { code: 'ECONNRESET' })
  t.equal(response.complete, false)
  t.equal((await service.exit).code, 0)
  t.match(service.logged(/request aborted/), [{ status: 200, aborted: true, keyId: /./ }])
  t.equal(service.logged(/export cut/).length, 1)
})
