import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { FeedError } from '../../../../src/integrations/supplier/sync/sync-products.ts'
import { UpstreamError } from '../../../../src/integrations/upstream/upstream-error.ts'
import type { Fault } from '../../../../tools/supplier-simulator/faults.ts'
import { body, scriptedUpstream } from '../../../support/scripted-upstream.ts'
import {
  loggedChanges,
  openFeed,
  position,
  products,
  productsOf,
  scriptPages,
  sync
} from '../../../support/supplier-feed.ts'
import { testConfig, testConnection } from '../../../support/test-config.ts'

const AT = '2026-01-01T00:00:00.000Z'
const LATER = '2026-01-02T00:00:00.000Z'
const tea = { sku: 'TEA', name: 'Tea', price: '1.00', updatedAt: AT }
const TABLES = 'products, product_registers, product_changes, feed_positions'

async function scripted(t: Parameters<typeof testConfig>[0]) {
  const upstream = await scriptedUpstream(t)
  const config = await testConfig(t, { EXTERNAL_API_BASE_URL: upstream.url, EXTERNAL_API_RETRY_DELAY: '1' })
  return { upstream, config, connection: await testConnection(t, config) }
}

t.test('the products become those of the supplier, and follow its changes', async (t) => {
  const { supplier, config, connection } = await openFeed(t, { products: 1200 })
  t.match((await sync(config)).summary, {
    read: 1200,
    created: 1176,
    updated: 0,
    deleted: 0,
    unchanged: 24,
    refused: 0
  })
  t.same(await products(connection), productsOf(supplier))
  t.equal((await loggedChanges(connection)).length, 1176)

  for (let changes = 0; changes < 300; changes++) supplier.catalogue.change()
  const { summary } = await sync(config)
  t.same(await products(connection), productsOf(supplier))
  t.ok(summary.created > 0 && summary.updated > 0 && summary.deleted > 0)
  t.ok(summary.read < 400, 'only what is new')

  const before = await loggedChanges(connection)
  t.equal(before.length, 1176 + summary.created + summary.updated + summary.deleted, 'each change is logged once')
  t.match((await sync(config, { isFull: true })).summary, { created: 0, updated: 0, deleted: 0 })
  t.match((await sync(config)).summary, { created: 0, updated: 0, deleted: 0 })
  t.same(await loggedChanges(connection), before, 'what is as it should be is not touched')
  t.equal(supplier.counters().requests['POST /oauth/token'], 1, 'all share one token')
})

t.test('a feed is read to its end through every kind of fault', async (t) => {
  const variables = { CIRCUIT_BREAKER_THRESHOLD: '3', CIRCUIT_BREAKER_RESET_TIMEOUT: '1000' }
  const { supplier, config, connection } = await openFeed(t, { products: 5000 }, variables)
  const path = '/products'
  /** Before each page. */
  const faults: Fault[][] = [
    [{ path, kind: 'status', status: 503, count: 3 }],
    [
      { path, kind: 'expired-token', count: 1 },
      { path: '/oauth', kind: 'status', status: 500, count: 1 }
    ],
    [{ path, kind: 'reset', count: 1 }],
    [{ path, kind: 'truncated-body', count: 1 }],
    [{ path, kind: 'status', status: 429, retryAfter: '0', count: 2 }],
    [{ path, kind: 'latency', latencyMs: 200, count: 1 }]
  ]
  const next = () => supplier.faults.set(faults.shift() ?? [])
  next()
  const { summary, retried } = await sync(config, { onProgress: next })
  t.match(summary, { read: 5000, created: 4900, refused: 0 })
  t.same(await products(connection), productsOf(supplier))
  t.equal((await loggedChanges(connection)).length, 4900)
  t.ok(
    retried.some((error) => error instanceof UpstreamError && error.kind === 'open'),
    'the breaker had opened'
  )
  const { faults: struck } = supplier.counters()
  t.same(struck, { status: 6, 'expired-token': 1, reset: 1, 'truncated-body': 1, latency: 1 })
})

t.test('a sync fails when the supplier fails for too long, and continues from there the next time', async (t) => {
  const { supplier, config, connection } = await openFeed(t, { products: 2000 })
  let pages = 0
  const onProgress = () => {
    if (++pages === 2) supplier.faults.set([{ path: '/products', kind: 'status', status: 503 }])
  }
  await t.rejects(sync(config, { onProgress, patienceMs: 300 }), { name: 'UpstreamError' })
  t.match(await position(connection), { updated_since: null, run_cursor: String, pages: 2 })
  supplier.faults.set([])
  t.match((await sync(config)).summary, { read: 1000 }, 'the rest')
  t.same(await products(connection), productsOf(supplier))
  t.match(await position(connection), { updated_since: String, run_started_at: null, run_cursor: null, pages: 4 })
})

t.test('a run starts again when the supplier refuses its old cursor', async (t) => {
  const { supplier, config, connection } = await openFeed(t, { products: 1200 })
  const end = new AbortController()
  await t.rejects(sync(config, { signal: end.signal, onProgress: () => end.abort(new Error('enough')) }), /enough/)
  await connection.query("UPDATE feed_positions SET run_cursor = 'bm9uZQ'")
  const { summary, retried } = await sync(config)
  t.match(summary, { read: 1200 })
  t.match(retried, [{ status: 400 }])
  t.same(await products(connection), productsOf(supplier))

  // A new run has no other place to begin.
  supplier.faults.set([{ path: '/products', kind: 'status', status: 400 }])
  await t.rejects(sync(config), { name: 'UpstreamError', message: /400/ })
})

t.test('invalid items are reported, and stop nothing', async (t) => {
  const { upstream, config, connection } = await scripted(t)
  const ahead = new Date(Date.now() + 600_000).toISOString()
  scriptPages(upstream, [
    [
      ...[tea, null, 7, {}, { ...tea, sku: 'A', price: '-1', stock: 1.5 }, { ...tea, sku: 'B', updatedAt: 'today' }],
      ...[
        { ...tea, sku: 'C', updatedAt: ahead },
        { ...tea, sku: 'D', deleted: 'yes' },
        { sku: 'E', deleted: true }
      ]
    ],
    [{ ...tea, sku: 'F', stock: null, description: null, extra: {} }]
  ])
  const { summary, refusals } = await sync(config)
  t.match(summary, { read: 10, created: 2, refused: 8 })
  t.match(refusals, [
    { sku: null, detail: 'is not an object' },
    { sku: null, detail: 'is not an object' },
    { sku: null, detail: 'sku is required; name is required; price is required; updatedAt is required' },
    { sku: 'A', detail: /^price must .*; stock must / },
    { sku: 'B', detail: 'updatedAt must be a date and time as in RFC 3339' },
    { sku: 'C', detail: 'updatedAt is more than 5 minutes in the future' },
    { sku: 'D', detail: 'deleted must be true or false' },
    { sku: 'E', detail: 'updatedAt is required' }
  ])
  t.match(await products(connection), [{ sku: 'F', stock: 0 }, { sku: 'TEA' }])
  t.match(await position(connection), { updated_since: /^2025-12-31 23:4\d/ }, 'what is refused does not move it')
})

t.test('fields that an item leaves out are unchanged', async (t) => {
  const { upstream, config, connection } = await scripted(t)
  scriptPages(upstream, [[{ ...tea, stock: 5, category: 'Drinks', description: 'Dark' }]])
  await sync(config)
  scriptPages(upstream, [[{ ...tea, price: 2, description: '', updatedAt: LATER }]])
  t.match((await sync(config)).summary, { updated: 1 })
  t.match(await products(connection), [{ price: '2.00', stock: 5, category: 'Drinks', description: null }])
})

t.test('of several items with one timestamp the last one wins', async (t) => {
  const { upstream, config, connection } = await scripted(t)
  for (const price of ['2.00', '3.00', '1.50']) {
    scriptPages(upstream, [
      [
        { ...tea, price: '9.00' },
        { ...tea, price }
      ]
    ])
    await sync(config)
    t.match(await products(connection), [{ price }])
  }
  scriptPages(upstream, [[{ ...tea, deleted: true }]])
  t.match((await sync(config)).summary, { deleted: 1 })
  t.same(await products(connection), [])
})

t.test('a dry run reports what would be done, and changes nothing', async (t) => {
  const { supplier, config, connection } = await openFeed(t, { products: 600 })
  const checksums = async () => (await connection.query<RowDataPacket[]>(`CHECKSUM TABLE ${TABLES}`))[0]
  const empty = await checksums()
  const first = await sync(config, { isDryRun: true })
  t.match(first.summary, { read: 600, created: 588 })
  t.same(await checksums(), empty)
  t.same((await sync(config)).summary, first.summary, 'as it was said')

  for (let changes = 0; changes < 100; changes++) supplier.catalogue.change()
  const filled = await checksums()
  const second = await sync(config, { isDryRun: true })
  t.ok(second.summary.updated > 0 && second.summary.deleted > 0)
  t.same(await checksums(), filled)
  t.same((await sync(config)).summary, second.summary)
})

t.test('a page that names itself as the next one, or is malformed, ends the sync', async (t) => {
  const { upstream, config, connection } = await scripted(t)
  upstream.script(body(JSON.stringify({ data: [tea], nextCursor: 'again' })))
  await t.rejects(sync(config), FeedError)
  t.match(await products(connection), [{ sku: 'TEA' }], 'what was done before is kept')
  upstream.script(body(JSON.stringify({ data: [tea] })))
  await t.rejects(sync(config, { isFull: true }), { name: 'UpstreamError', kind: 'malformed' })
})

t.test('another address is another feed', async (t) => {
  const { upstream, config } = await scripted(t)
  scriptPages(upstream, [[tea]])
  await sync(config)
  await sync(config)
  await sync(config, { source: 'https://other.example/' })
  t.match(upstream.targets, [
    '/api/products?limit=500',
    '/api/products?updatedSince=2025-12-31T23%3A4',
    '/api/products?limit=500'
  ])
})
