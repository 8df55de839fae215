import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { ProductExportQuery } from '../../../schemas/export.ts'
import { SPAN_ROWS, walkProducts } from '../../../src/catalogue/export/walk-products.ts'
import { parseFilters, parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { listProducts } from '../../../src/catalogue/listing/read/list-products.ts'
import { createListReader } from '../../../src/catalogue/listing/read/read-list.ts'
import { openPool } from '../../../src/platform/database/pool.ts'
import { openSnapshot } from '../../../src/platform/database/snapshot.ts'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { insertProducts, type ProductFixture } from '../../support/insert-products.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'

const ROWS = 12_000

const config = await testConfig(t)
const connection = await testConnection(t, config)
const { database } = await testApp(t, config)
const reader = createListReader(database, { nowMs: () => performance.now(), queryTimeoutMs: 5000 })
const pool = openPool(config.mysql, { connectionLimit: 1, queryTimeoutMs: 5000 })
t.teardown(() => pool.end())

async function exported(query: ProductExportQuery): Promise<string[]> {
  const snapshot = await openSnapshot(pool, 5000)
  const batches = await Array.fromAsync(walkProducts(snapshot, parseFilters(query)))
  snapshot.close()
  return batches.flat().map(({ id }) => formatId(id))
}

async function listed(query: ProductExportQuery): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { page } = await listProducts(reader, parseListQuery({ ...query, limit: 100, ...(cursor && { cursor }) }))
    ids.push(...page.data.map(({ id }) => id))
    cursor = page.pagination.nextCursor
  }
  return ids.sort()
}

const WORDS = [
  'tea',
  'Téa',
  'T-shirt',
  "L'Oréal",
  'the',
  '5G',
  'TV',
  '茶',
  '🍵',
  'teapot',
  'a_b',
  '100%',
  'x'.repeat(80)
]
const words = (maxLength: number) =>
  fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength }).map((words) => words.join(' '))
const fixture: fc.Arbitrary<ProductFixture> = fc.record({
  // As long as a name may be.
  name: words(6).map((text) => text.slice(0, 255).trim()),
  description: fc.option(words(6), { nil: null }),
  price: fc.constantFrom('0.00', '9.99', '10.00', '99999999.99'),
  category: fc.constantFrom('a', 'b', 'A', 'ä', null)
})
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 })
const exportQuery = fc
  .record({
    category: optional(fc.uniqueArray(fc.constantFrom('a', 'b', 'A', 'none'), { minLength: 1, maxLength: 3 })),
    minPrice: optional(fc.constantFrom('0', '9.99')),
    maxPrice: optional(fc.constantFrom('10', '9.99', '99999999.99')),
    search: optional(
      fc
        .tuple(words(2), fc.integer({ min: 1, max: 80 }))
        .map(([words, length]) => words.slice(0, length))
        .filter((search) => parseSafely(search))
    )
  })
  .map(
    (query) =>
      Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as ProductExportQuery
  )

function parseSafely(search: string): boolean {
  try {
    return parseFilters({ search }).search !== null
  } catch {
    return false
  }
}

t.test('an export has the products of the list with the same filters', async (t) => {
  let found = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fixture, { minLength: 1, maxLength: 40 }),
      fc.array(exportQuery, { minLength: 20, maxLength: 20 }),
      async (fixtures, queries) => {
        await connection.query('DELETE FROM products')
        await insertProducts(connection, fixtures)
        for (const query of queries) {
          const ids = await exported(query)
          assert.deepEqual(ids, await listed(query), JSON.stringify(query))
          found += ids.length
        }
      }
    ),
    { numRuns: 15 }
  )
  t.ok(found > 500, `${found} rows`)
})

t.test('words are found in rows as the snapshot has them, even if they have changed since', async (t) => {
  await connection.query('DELETE FROM products')
  await insertProducts(connection, [{ name: 'green tea' }, { name: 'coffee' }])
  const snapshot = await openSnapshot(pool, 5000)
  await connection.query("UPDATE products SET name = 'changed', search_words = ' changed_ '")
  const walk = async (search: string) =>
    (await Array.fromAsync(walkProducts(snapshot, parseFilters({ search })))).flat()
  t.same(
    (await walk('tea')).map(({ name }) => name),
    ['green tea']
  )
  t.same(await walk('changed'), [])
  snapshot.close()
})

t.test('no statement examines more than a span of rows, whatever the filters', async (t) => {
  await connection.query('DELETE FROM products')
  await insertProducts(
    connection,
    Array.from({ length: ROWS }, (_, at) => ({ name: `Name ${at % 50}`, category: at % 10 === 0 ? 'tenth' : null }))
  )
  const cases: [ProductExportQuery, number][] = [
    [{}, ROWS],
    [{ minPrice: '1' }, ROWS],
    [{ category: ['tenth'] }, ROWS / 10],
    [{ category: ['none'] }, 0],
    [{ search: 'name 7' }, ROWS / 50],
    [{ search: 'nothing' }, 0],
    [{ minPrice: '99999' }, 0]
  ]
  for (const [query, count] of cases) {
    const snapshot = await openSnapshot(pool, 5000)
    const rowsRead = async () => {
      const counters = await snapshot.execute<{ Value: string }>("SHOW SESSION STATUS LIKE 'Handler_read%'", [])
      return counters.reduce((sum, { Value }) => sum + Number(Value), 0)
    }
    const costs: number[] = []
    const counting = {
      async execute<Row>(sql: string, params: Parameters<typeof snapshot.execute>[1]) {
        const before = await rowsRead()
        const rows = await snapshot.execute<Row>(sql, params)
        costs.push((await rowsRead()) - before)
        return rows
      }
    }
    const name = JSON.stringify(query)
    const batches = await Array.fromAsync(walkProducts(counting, parseFilters(query)))
    t.equal(batches.flat().length, count, name)
    // Looking at the counters is counted as well.
    t.ok(Math.max(...costs) <= SPAN_ROWS + 100, `${name}: ${Math.max(...costs)}`)
    t.ok(costs.reduce((sum, cost) => sum + cost) <= 2.2 * ROWS + 50 * costs.length, `${name}: all rows twice at most`)
    snapshot.close()
  }
})
