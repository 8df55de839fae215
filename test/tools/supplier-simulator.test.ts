import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Fault } from '../../tools/supplier-simulator/faults.ts'
import { type Supplier, type SupplierOptions, startSupplier } from '../../tools/supplier-simulator/start-supplier.ts'
import type { CataloguePage, ProductEvent } from '../../tools/supplier-simulator/supplier-catalogue.ts'
import { waitFor } from '../support/wait-for.ts'

const WAIT_MS = 30_000
const FORM = 'application/x-www-form-urlencoded'
const GRANT = 'grant_type=client_credentials'

async function supplierFor(t: Test, options: SupplierOptions = {}): Promise<Supplier> {
  const supplier = await startSupplier({ products: 500, ...options })
  t.teardown(() => supplier.close())
  return supplier
}

async function tokenOf({ tokenUrl, clientId, clientSecret }: Supplier): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
  const headers = { authorization, 'content-type': FORM }
  const response = await fetch(tokenUrl, { method: 'POST', headers, body: GRANT })
  return JSON.parse(await response.text()).access_token
}

/** Sends a request with a token. */
async function asker(supplier: Supplier) {
  const authorization = `Bearer ${await tokenOf(supplier)}`
  return (path: string, signal = AbortSignal.timeout(WAIT_MS)) =>
    fetch(supplier.url + path, { headers: { authorization }, signal })
}

t.test('tokens are for clients that say who they are, in a header or in the body', async (t) => {
  const supplier = await supplierFor(t, { clientSecret: 'a secret: +%' })
  const { tokenUrl, clientId, clientSecret, url } = supplier
  const post = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
    const response = await fetch(tokenUrl, { method: 'POST', headers, body: new URLSearchParams(form) })
    return { status: response.status, body: await response.json() }
  }
  const grant = { grant_type: 'client_credentials' }
  const basic = (secret: string) => ({
    authorization: `Basic ${Buffer.from(`${clientId}:${encodeURIComponent(secret)}`).toString('base64')}`
  })
  const issued = { status: 200, body: { access_token: String, token_type: 'Bearer', expires_in: 3600 } }
  t.match(await post(grant, basic(clientSecret)), issued)
  t.match(await post({ ...grant, client_id: clientId, client_secret: clientSecret }), issued)
  t.match(await post(grant, basic('wrong')), { status: 401, body: { error: 'invalid_client' } })
  t.match(await post({ grant_type: 'password' }), { status: 400, body: { error: 'unsupported_grant_type' } })
  t.equal((await fetch(`${url}/products`)).status, 401)
  t.equal(supplier.counters().refusedTokens, 1)
  t.same(supplier.counters().requests, { 'POST /oauth/token': 4, 'GET /products': 1 })
})

t.test('the feed has every product once, deleted ones too, and the same for the same seed', async (t) => {
  const [one, other] = [await supplierFor(t), await supplierFor(t)]
  const walk = async (supplier: Supplier, query: string) => {
    const ask = await asker(supplier)
    const products: CataloguePage['data'] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: CataloguePage = JSON.parse(
        await (await ask(`/products?limit=99${query}${cursor && `&cursor=${cursor}`}`)).text()
      )
      products.push(...page.data)
      cursor = page.nextCursor
    }
    return products
  }
  const all = await walk(one, '')
  t.equal(all.length, 500)
  t.equal(new Set(all.map(({ sku }) => sku)).size, 500)
  t.equal(all.filter(({ deleted }) => deleted).length, 10)
  t.same(await walk(other, ''), all)
  const since = all[400]?.updatedAt ?? ''
  t.same(
    await walk(one, `&updatedSince=${since}`),
    all.filter(({ updatedAt }) => updatedAt >= since)
  )
  const ask = await asker(one)
  for (const query of ['limit=0', 'limit=x', 'cursor=bm9uZQ', 'updatedSince=soon']) {
    t.equal((await ask(`/products?${query}`)).status, 400, query)
  }
})

t.test('what is available is what the catalogue says', async (t) => {
  const supplier = await supplierFor(t)
  const ask = await asker(supplier)
  const { data } = supplier.catalogue.page(null, null, 500)
  const there = data.find(({ deleted }) => !deleted)
  const gone = data.find(({ deleted }) => deleted)
  t.same(await (await ask(`/availability/${there?.sku}`)).json(), {
    sku: there?.sku,
    available: there?.stock,
    updatedAt: there?.updatedAt
  })
  for (const sku of [gone?.sku, 'NONE']) t.equal((await ask(`/availability/${sku}`)).status, 404)
})

t.test('faults are as they are asked for', async (t) => {
  const supplier = await supplierFor(t)
  const ask = await asker(supplier)
  const put = async (...faults: Fault[]) => {
    const response = await fetch(`${supplier.url}/faults`, { method: 'PUT', body: JSON.stringify({ faults }) })
    t.equal(response.status, 200)
  }
  const path = '/products'

  await put({ path, kind: 'status', status: 429, retryAfter: '7', count: 1 })
  const refused = await ask('/products')
  t.match([refused.status, refused.headers.get('retry-after')], [429, '7'])
  t.equal((await ask('/products')).status, 200, 'only so many')

  for (const kind of ['reset', 'truncated-body', 'malformed'] as const) {
    await put({ path, kind, count: 1 })
    await t.rejects(async () => (await ask('/products')).json(), kind)
    t.equal((await ask('/availability/NONE')).status, 404, 'only there')
  }
  for (const kind of ['silence', 'slow-headers', 'stalled-body'] as const) {
    await put({ path, kind, count: 1 })
    const waiting = async () => (await ask('/products', AbortSignal.timeout(300))).json()
    await t.rejects(waiting, { name: 'TimeoutError' }, kind)
  }
  await put({ path, kind: 'latency', latencyMs: 60_000 })
  await t.rejects(ask('/products', AbortSignal.timeout(300)), { name: 'TimeoutError' })

  await put({ path: '/', kind: 'expired-token', count: 1 })
  t.equal((await ask('/products')).status, 401)
  t.equal((await ask('/products')).status, 401, 'and it stays expired')
  await put({ path: '/oauth', kind: 'expired-token', count: 1 })
  t.equal((await (await asker(supplier))('/products')).status, 401, 'from the beginning')
  t.match(supplier.counters().faults, { reset: 1, silence: 1, latency: 1, status: 1, 'expired-token': 2 })
})

t.test('a fault may strike a share of the requests', async (t) => {
  const draws = [0.1, 0.9, 0.2, 0.8]
  const supplier = await supplierFor(t, { random: () => draws.shift() ?? 1 })
  const ask = await asker(supplier)
  supplier.faults.set([{ path: '/products', kind: 'status', share: 0.5 }])
  const statuses = []
  for (let calls = 0; calls < 4; calls++) statuses.push((await ask('/products')).status)
  t.same(statuses, [503, 200, 503, 200])
})

t.test('what is no fault is refused', async (t) => {
  const { url } = await supplierFor(t)
  for (const body of ['{', '{}', '{"faults":[{"path":"/"}]}', '{"faults":[{"path":"/","kind":"fire"}]}']) {
    t.equal((await fetch(`${url}/faults`, { method: 'PUT', body })).status, 400, body)
  }
  for (const body of ['{"count":1}', '{"url":"http://127.0.0.1/"}', '{"url":"ftp://x","count":1}']) {
    t.equal((await fetch(`${url}/deliveries`, { method: 'POST', body })).status, 400, body)
  }
})

t.test('webhooks are signed, sent until they are taken, and tell what the catalogue says', async (t) => {
  const deliveries: { id: string; body: string; isSigned: boolean }[] = []
  const key = Buffer.from('a secret of more than twenty-four bytes')
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const { 'webhook-id': id = '', 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
    const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
    deliveries.push({ id: String(id), body, isSigned: signature === `v1,${digest}` })
    const attempt = deliveries.filter((delivery) => delivery.id === id).length
    response.writeHead(attempt < 3 ? 503 : 200).end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  t.teardown(() => receiver.close())
  const webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const webhookSecret = `whsec_${key.toString('base64')}`
  const supplier = await supplierFor(t, { webhookUrl, webhookSecret, retryDelaysMs: [5, 5] })

  const body = JSON.stringify({ count: 30 })
  t.equal((await fetch(`${supplier.url}/deliveries`, { method: 'POST', body })).status, 202)
  await waitFor('all are taken', () => supplier.webhooks.counts.delivered === 30)
  t.same(supplier.counters().deliveries, { events: 30, attempts: 90, delivered: 30, givenUp: 0 })
  t.ok(deliveries.every(({ isSigned }) => isSigned))
  t.equal(new Set(deliveries.map(({ id, body }) => id + body)).size, 30, 'a retry is the same again')

  const events: ProductEvent[] = deliveries.map(({ body }) => JSON.parse(body))
  const deleted = new Set(events.filter(({ type }) => type === 'product.deleted').map(({ data }) => data.sku))
  t.ok(deleted.size > 0)
  for (const { id, type, occurredAt, data } of events) {
    t.match(id, /^evt_/)
    t.match(type, /^product\./)
    t.equal(new Date(occurredAt).toISOString(), occurredAt)
    t.equal(supplier.catalogue.find(String(data.sku)) === undefined, deleted.has(data.sku), type)
  }
})

t.test('deliveries at a rate go on until they are stopped, and are given up at last', async (t) => {
  const supplier = await supplierFor(t, { webhookUrl: 'http://127.0.0.1:1/', retryDelaysMs: [] })
  supplier.webhooks.start({ url: 'http://127.0.0.1:1/', rate: 1000 })
  await waitFor('some are given up', () => supplier.webhooks.counts.givenUp > 2)
  t.equal((await fetch(`${supplier.url}/deliveries`, { method: 'DELETE' })).status, 204)
  t.equal(supplier.webhooks.counts.delivered, 0)
})

t.test('npm run supplier serves until it is stopped', async (t) => {
  const file = join(import.meta.dirname, '../../scripts/supplier.ts')
  const child = spawn(process.execPath, [file, '--port', '0', '--products', '10'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  const url = await waitFor('it tells where it is', () => /(http:\S+)\/counters/.exec(output)?.[1])
  t.match(await (await fetch(`${url}/counters`)).text(), /"requests":\{\}/)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  t.same(await exit, [0, null])
})
