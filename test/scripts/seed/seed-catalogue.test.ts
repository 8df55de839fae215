import { randomBytes } from 'node:crypto'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { createRowGenerator } from '../../../scripts/seed/generate-row.ts'
import { insertRows } from '../../../scripts/seed/insert-rows.ts'
import { canLoadRows, loadRows } from '../../../scripts/seed/load-rows.ts'
import { seedCatalogue } from '../../../scripts/seed/seed-catalogue.ts'
import { decodeChanges } from '../../../src/catalogue/change-log/product-changes.ts'
import { signatureColumns } from '../../../src/catalogue/search/word-signature.ts'
import { connectionOptions } from '../../../src/platform/database/connection-options.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

/** More than one transaction. */
const ROWS = 6000

async function prepare(t: Test) {
  const config = await testConfig(t)
  return { config: config.mysql, connection: await testConnection(t, config) }
}

/** The table as lines, in the order of its ids. */
async function dump(connection: Connection): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT * FROM products ORDER BY id')
  // The rank is made by the database, of the id.
  return rows.map(({ id, sample_rank, ...row }) => JSON.stringify({ id: id.toString('hex'), ...row }))
}

async function count(connection: Connection, where = '1 = 1'): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(`SELECT COUNT(*) AS count FROM products WHERE ${where}`)
  return row?.count
}

/** The rows as the table has them after the first seeding. */
function expectedDump(rows: number, seed: number): string[] {
  const generateRow = createRowGenerator(seed)
  return Array.from({ length: rows }, (_, index) => generateRow(index))
    .sort((a, b) => a.id.compare(b.id))
    .map((row) =>
      JSON.stringify({
        id: row.id.toString('hex'),
        sku: row.sku,
        name: row.name,
        description: row.description,
        price: row.price,
        category: row.category,
        stock: row.stock,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: 1,
        search_words: row.searchWords,
        ...Object.fromEntries(signatureColumns.map((column, part) => [column, row.signature[part]]))
      })
    )
}

t.test('the table holds the generated rows, and running it again adds only what is missing', async (t) => {
  const { config, connection } = await prepare(t)
  const progress: number[] = []
  const added = await seedCatalogue(config, { rows: ROWS, seed: 1, onProgress: (done) => progress.push(done) })
  t.equal(added, ROWS)
  t.equal(progress.at(-1), ROWS)
  t.same(await dump(connection), expectedDump(ROWS, 1))

  t.equal(await seedCatalogue(config, { rows: ROWS, seed: 1 }), 0)
  t.equal(await seedCatalogue(config, { rows: ROWS + 1000, seed: 1 }), 1000)
  await connection.query('DELETE FROM products WHERE stock = 0')
  const removed = ROWS + 1000 - (await count(connection))
  t.equal(await seedCatalogue(config, { rows: ROWS + 1000, seed: 1 }), removed)
  t.same(await dump(connection), expectedDump(ROWS + 1000, 1))
  t.equal(await seedCatalogue(config, { rows: 500, seed: 2 }), 500, 'another seed is another catalogue')
})

t.test('a changed product is not overwritten', async (t) => {
  const { config, connection } = await prepare(t)
  await seedCatalogue(config, { rows: 100, seed: 1 })
  await connection.query("UPDATE products SET name = 'Mine', version = 2 WHERE stock > 50")
  const before = await dump(connection)
  await seedCatalogue(config, { rows: 100, seed: 1 })
  t.same(await dump(connection), before)
})

t.test('a generated row is searched and sorted like any other', async (t) => {
  const { config, connection } = await prepare(t)
  await seedCatalogue(config, { rows: ROWS, seed: 42 })
  const matches = "MATCH (search_words) AGAINST ('+handmade_' IN BOOLEAN MODE)"
  t.equal(await count(connection, matches), await count(connection, "search_words LIKE '% handmade\\\\_ %'"))
  t.ok((await count(connection, matches)) > ROWS / 50)
})

t.test('loading and inserting produce the same table', async (t) => {
  const { config, connection } = await prepare(t)
  const other = await prepare(t)
  // It stays on: tests that run beside this one may be loading rows.
  await connection.query('SET GLOBAL local_infile = 1')
  t.equal(await canLoadRows(connection), true)
  t.equal(await seedCatalogue(config, { rows: ROWS, seed: 3, writeRows: loadRows }), ROWS)
  t.equal(await seedCatalogue(other.config, { rows: ROWS, seed: 3, writeRows: insertRows }), ROWS)
  t.same(await dump(other.connection), await dump(connection))

  for (const writeRows of [loadRows, insertRows]) {
    const generateRow = createRowGenerator(3)
    const rows = Array.from({ length: 10 }, (_, offset) => generateRow(ROWS - 5 + offset))
    t.equal(await writeRows(connection, rows), 5, 'both leave out what is there')
    await connection.query('DELETE FROM products WHERE id IN (?)', [rows.slice(5).map(({ id }) => id)])
  }
})

for (const writeRows of [loadRows, insertRows]) {
  t.test(`added rows are in the change log, skipped ones are not: ${writeRows.name}`, async (t) => {
    const { config, connection } = await prepare(t)
    // It stays on: tests that run beside this one may be loading rows.
    await connection.query('SET GLOBAL local_infile = 1')
    const generateRow = createRowGenerator(6)
    const taken = Array.from({ length: ROWS }, (_, index) => generateRow(index)).filter(({ sku }) => sku !== null)
    for (const { sku } of [taken[3], taken.at(-3)].flatMap((row) => row ?? [])) {
      await insertProducts(connection, [{ id: randomBytes(16), sku, name: 'Mine' }])
    }
    t.equal(await seedCatalogue(config, { rows: ROWS, seed: 6, writeRows }), ROWS - 2)
    t.equal(await seedCatalogue(config, { rows: ROWS, seed: 6, writeRows }), 0)
    const [products] = await connection.query<RowDataPacket[]>("SELECT id, sku FROM products WHERE name <> 'Mine'")
    const [rows] = await connection.query<RowDataPacket[]>('SELECT entries FROM product_changes')
    const logged = rows.flatMap(({ entries }) => decodeChanges(entries))
    const expected = products.map(({ id, sku }) => `upsert ${id.toString('hex')} ${sku}`)
    t.same(logged.map(({ type, id, sku }) => `${type} ${id} ${sku}`).sort(), expected.sort())
  })
}

t.test('rows are inserted if the server does not allow loading', async (t) => {
  const { config } = await prepare(t)
  const connection = await mysql.createConnection({ ...connectionOptions(config), flags: ['-LOCAL_FILES'] })
  t.teardown(() => connection.end())
  t.equal(await canLoadRows(connection), false)
  t.equal(await insertRows(connection, [createRowGenerator(1)(0)]), 1, 'on the same connection')
})

t.test('an interrupted run can be run again', async (t) => {
  const { config, connection } = await prepare(t)
  const controller = new AbortController()
  const reason = new Error('enough')
  const run = seedCatalogue(config, {
    rows: 4 * ROWS,
    seed: 4,
    onProgress: () => controller.abort(reason),
    signal: controller.signal
  })
  await t.rejects(run, reason)
  const present = await count(connection)
  t.ok(present > 0 && present < 4 * ROWS, 'in the middle')
  t.equal(await seedCatalogue(config, { rows: ROWS, seed: 4 }), ROWS - Math.min(present, ROWS))
  t.same((await dump(connection)).slice(0, ROWS), expectedDump(ROWS, 4))
})

t.test('concurrent runs produce one catalogue', async (t) => {
  const { config, connection } = await prepare(t)
  const runs = [1, 2, 3].map(() => seedCatalogue(config, { rows: ROWS, seed: 5 }))
  const added = await Promise.all(runs)
  t.equal(
    added.reduce((sum, count) => sum + count),
    ROWS
  )
  t.same(await dump(connection), expectedDump(ROWS, 5))
})

t.test('an error of the database is passed on', async (t) => {
  const { config, connection } = await prepare(t)
  await connection.query('DROP TABLE products')
  await t.rejects(seedCatalogue(config, { rows: 10, seed: 1 }), { code: 'ER_NO_SUCH_TABLE' })
  await t.rejects(seedCatalogue({ ...config, database: 'nowhere' }, { rows: 10, seed: 1 }), { code: 'ER_BAD_DB_ERROR' })
})
