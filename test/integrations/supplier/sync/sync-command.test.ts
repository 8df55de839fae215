import { once } from 'node:events'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import type { Config } from '../../../../src/config/config.ts'
import { type Run, runScript, startScript } from '../../../support/run-script.ts'
import { scriptedUpstream } from '../../../support/scripted-upstream.ts'
import { loggedChanges, openFeed, position, products, productsOf, scriptPages } from '../../../support/supplier-feed.ts'
import { testConfig, testConnection } from '../../../support/test-config.ts'
import { waitFor } from '../../../support/wait-for.ts'

const PRODUCTS = 4000
const CREATED = 3920
const PAGES = 8

t.setTimeout(180_000)

async function untilPages(connection: Connection, pages: number): Promise<void> {
  await waitFor(`${pages} pages`, async () => Number((await position(connection))?.pages ?? 0) >= pages)
}

async function kill({ child }: Run): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** Each product is there, as it was made; each change is in the log, once. */
async function isDoneOnce(t: Test, connection: Connection): Promise<void> {
  const changes = await loggedChanges(connection)
  t.equal(changes.length, CREATED)
  t.equal(new Set(changes.map(({ id }) => id)).size, CREATED)
  const [[versions]] = await connection.query<RowDataPacket[]>('SELECT MAX(version) AS highest FROM products')
  t.equal(versions?.highest, 1)
}

t.test('a sync that is killed continues where it was: nothing is lost, nothing is done twice', async (t) => {
  const { supplier, config, connection } = await openFeed(t, { products: PRODUCTS })
  supplier.faults.set([{ path: '/products', kind: 'latency', latencyMs: 100 }])
  for (const pages of [1, 3, 6]) {
    const run = startScript(t, config, 'sync', [])
    await untilPages(connection, pages)
    await kill(run)
  }
  t.match(await position(connection), { run_cursor: String })
  const { status, stdout } = await runScript(t, config, 'sync', [])
  t.equal(status, 0)
  t.match(stdout, /^(500|1,000) items: /, 'only the rest')
  t.equal((await position(connection))?.pages, PAGES, 'each page once')
  t.same(await products(connection), productsOf(supplier))
  await isDoneOnce(t, connection)
})

t.test('a sync that is killed before a page is committed applies it once', async (t) => {
  const { supplier, config, connection } = await openFeed(t, { products: PRODUCTS })
  supplier.faults.set([{ path: '/products', kind: 'latency', latencyMs: 100 }])
  const holder = await testConnection(t, config)
  const run = startScript(t, config, 'sync', [])
  await untilPages(connection, 2)
  await holder.beginTransaction()
  await holder.query('SELECT * FROM feed_positions FOR UPDATE')
  await waitFor('it waits to store where it stands', async () => {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW PROCESSLIST')
    return rows.some(({ db, Info }) => db === config.mysql.database && /^REPLACE INTO feed_positions/.test(Info))
  })
  await kill(run)
  await holder.rollback()
  t.equal((await runScript(t, config, 'sync', [])).status, 0)
  t.same(await products(connection), productsOf(supplier))
  await isDoneOnce(t, connection)
})

t.test('a second sync refuses to run; Ctrl-C keeps the pages that were applied', async (t) => {
  const { supplier, config, connection } = await openFeed(t, { products: PRODUCTS })
  supplier.faults.set([{ path: '/products', kind: 'latency', latencyMs: 100 }])
  const first = startScript(t, config, 'sync', [])
  await untilPages(connection, 1)
  supplier.faults.set([{ path: '/products', kind: 'silence' }])
  const second = await runScript(t, config, 'sync', [])
  t.match(second, { status: 1, stdout: '', stderr: 'Another sync is running. This one did nothing.\n' })
  first.child.kill('SIGINT')
  t.match(await first.outcome, { status: 1, stdout: '', stderr: /^Interrupted\. Finished work is kept/m })

  supplier.faults.set([])
  t.equal((await runScript(t, config, 'sync', [])).status, 0)
  t.same(await products(connection), productsOf(supplier))
  await isDoneOnce(t, connection)
})

t.test('a dry run, refused items, and a supplier that is not there', async (t) => {
  const upstream = await scriptedUpstream(t)
  const config = await testConfig(t, { EXTERNAL_API_BASE_URL: upstream.url })
  const connection = await testConnection(t, config)
  const tea = { sku: 'TEA', name: 'Tea', price: '1.00', updatedAt: '2026-01-01T00:00:00Z' }
  scriptPages(upstream, [[tea, { ...tea, sku: 'GREEN', price: 'free' }]])
  const dry = await runScript(t, config, 'sync', ['--dry-run'])
  t.match(dry.stdout, /^Nothing was written\. 2 items: 1 created, 0 updated, 0 deleted, 0 unchanged, 1 refused: /)
  t.same(await products(connection), [])
  const { status, stdout, stderr } = await runScript(t, config, 'sync', [])
  t.equal(status, 1)
  t.match(stdout, /^2 items: 1 created, 0 updated, 0 deleted, 0 unchanged, 1 refused: /)
  t.match(stderr, /^sku GREEN: price must /)

  const without: Config = { ...config, supplier: { ...config.supplier, baseUrl: null } }
  t.match(await runScript(t, without, 'sync', []), {
    status: 1,
    stderr: 'No supplier is configured: set EXTERNAL_API_BASE_URL.\n'
  })
  t.match(await runScript(t, config, 'sync', ['everything']), { status: 2, stderr: /Usage: npm run sync/ })
})
