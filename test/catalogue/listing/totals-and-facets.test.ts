import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { RowDataPacket } from 'mysql2'
import t from 'tap'
import { parseFilters, parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { countProducts, estimateTotal } from '../../../src/catalogue/listing/read/count-products.ts'
import { listProducts } from '../../../src/catalogue/listing/read/list-products.ts'
import { PRICE_BAND_STARTS, priceBandOf, readFacets } from '../../../src/catalogue/listing/read/read-facets.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { makeSample } from './support/make-sample.ts'
import { createCountingReader, createTestReader } from './support/readers.ts'

const ROWS = 4000
const RUNS = 60

const config = await testConfig(t)
const connection = await testConnection(t, config)
await insertProducts(
  connection,
  Array.from({ length: ROWS }, (_, i) => ({
    name: [i % 2 && 'tea', i % 3 && 'green', i % 700 === 0 && 'rare'].filter(Boolean).join(' ') || 'plain',
    price: `${(i * 37) % 1500}.${i % 2 ? '00' : '99'}`,
    category: [null, 'a', 'b', 'c', 'c'][i % 5] ?? null
  }))
)
const reader = createTestReader(connection)

const someFilters = fc
  .record(
    {
      category: fc.subarray(['a', 'b', 'c', 'none'], { minLength: 1 }),
      minPrice: fc.constantFrom('0', '3', '20.5', '1200'),
      maxPrice: fc.constantFrom('25', '999.99', '1400'),
      search: fc.constantFrom('tea', 'green tea', 'rare', 'gr', 'absent', 'tea rare')
    },
    { requiredKeys: [] }
  )
  .filter(({ minPrice = '0', maxPrice = '9999' }) => Number(minPrice) <= Number(maxPrice))

/** The products that pass the filters, by a test of each one. */
async function matching(query: Parameters<typeof parseFilters>[0]) {
  const { categories, minPrice, maxPrice, search } = parseFilters(query)
  const [rows] = await connection.query<RowDataPacket[]>('SELECT price, category, search_words FROM products')
  return rows.filter(
    ({ price, category, search_words }) =>
      (categories.length === 0 || categories.includes(category)) &&
      Number(price) >= Number(minPrice ?? 0) &&
      Number(price) <= Number(maxPrice ?? 1e9) &&
      (search ?? []).every((term) => search_words.includes(term))
  )
}

t.test('exact totals and facets agree with the products', async () => {
  await fc.assert(
    fc.asyncProperty(someFilters, async (query) => {
      const filters = parseFilters(query)
      const rows = await matching(query)
      assert.deepEqual(await countProducts(reader, filters), { total: rows.length, isExact: true })

      const { data, isExact } = await readFacets(reader, filters)
      assert.equal(isExact, true)
      const categories = new Map<string, number>()
      const { category: _, ...others } = query
      for (const { category } of await matching(others))
        if (category !== null) categories.set(category, (categories.get(category) ?? 0) + 1)
      assert.deepEqual(new Map(data.categories.map(({ value, count }) => [value, count])), categories)
      const counts = data.categories.map(({ count }) => count)
      assert.deepEqual(
        counts,
        counts.toSorted((a, b) => b - a)
      )

      for (const { from, to, count } of data.prices) {
        assert.equal((await matching({ ...query, minPrice: from, maxPrice: to })).length, count, `${from} to ${to}`)
      }
      assert.equal(
        data.prices.reduce((sum, { count }) => sum + count, 0),
        rows.length,
        'every product is in one band'
      )
    }),
    { numRuns: RUNS }
  )
})

t.test('every page of the list has the total if the query asks for it', async (t) => {
  const query = { category: ['a'], limit: 50 }
  const { page: plain } = await listProducts(reader, parseListQuery(query))
  t.notOk('total' in plain.pagination)
  const { page: first } = await listProducts(reader, parseListQuery({ ...query, total: 'exact' }))
  t.match(first.pagination, { total: ROWS / 5, totalIsExact: true })
  const cursor = first.pagination.nextCursor ?? ''
  const { page: second } = await listProducts(reader, parseListQuery({ ...query, total: 'exact', cursor }))
  t.match(second.pagination, { total: ROWS / 5, totalIsExact: true })
  t.same(
    (await listProducts(reader, parseListQuery({ ...query, cursor }))).page.data,
    second.data,
    'a cursor does not depend on the total'
  )
})

t.test('the total of a list that fits on one page is not counted', async (t) => {
  const counted = createCountingReader(connection)
  const { page } = await listProducts(counted, parseListQuery({ search: 'rare', total: 'exact' }))
  t.match(page.pagination, { total: page.data.length, totalIsExact: true })
  t.equal(counted.sent.length, 1)
})

/** Makes a reader whose sample stands for a large catalogue. */
function largeReader(weight: number) {
  const sample = makeSample(
    Array.from({ length: 1000 }, (_, i) => ({
      name: i % 2 ? 'tea' : 'green',
      price: `${i % 100}.00`,
      category: i % 4 === 0 ? 'a' : 'b'
    })),
    weight
  )
  return createCountingReader(connection, { sampler: { current: async () => sample, distrust() {} } })
}

t.test('an estimate of a large catalogue sends no statement', async (t) => {
  const large = largeReader(10_000)
  t.same(await estimateTotal(large, parseFilters({})), { total: 10_000_000, isExact: false })
  t.same(await estimateTotal(large, parseFilters({ search: 'tea', category: ['b'] })), {
    total: 5_000_000,
    isExact: false
  })
  const { data, isExact } = await readFacets(large, parseFilters({ category: ['a'], maxPrice: '9' }))
  t.equal(isExact, false)
  t.same(data.categories, [
    { value: 'b', count: 700_000 },
    { value: 'a', count: 300_000 }
  ])
  t.equal(
    data.prices.reduce((sum, { count }) => sum + count, 0),
    300_000
  )
  t.same(large.sent, [])
})

t.test('an exact count stops at its budget, with a lower bound', async (t) => {
  const large = largeReader(10_000)
  const { total, isExact } = await countProducts(large, parseFilters({}))
  t.equal(isExact, false)
  t.ok(total > 0 && total < ROWS, String(total))
  t.ok(large.rowsRead < ROWS + 100, `${large.rowsRead} rows read`)
})

t.test('an estimate is not below the number of products on the page', async (t) => {
  const none = createCountingReader(connection, {
    sampler: {
      current: async () =>
        makeSample(
          Array.from({ length: 4096 }, () => ({ name: 'x' })),
          2500
        ),
      distrust() {}
    }
  })
  const { page } = await listProducts(none, parseListQuery({ search: 'green', total: 'estimate' }))
  t.match(page.pagination, { total: 21, totalIsExact: false })
})

t.test('a lower bound is not above the number of products, even if an empty page leads on', async (t) => {
  const poor = createCountingReader(connection, {
    pageBudgetUs: 1,
    sampler: {
      current: async () =>
        makeSample(
          Array.from({ length: 4096 }, () => ({ name: 'green', price: '0.00' })),
          1000
        ),
      distrust() {}
    }
  })
  const query = parseListQuery({ search: 'absent', minPrice: '1', total: 'exact', sortBy: 'price', sortOrder: 'asc' })
  const { page } = await listProducts(poor, query)
  t.same(page.data, [])
  t.equal(page.pagination.total, 0)
})

t.test('price bands are those of the database', async (t) => {
  const prices = ['0', '0.99', '1', '1.99', '2', '4.99', '5', '9.99', '10', '49999999.99', '50000000', '99999999.99']
  for (const price of prices) {
    const [[row]] = await connection.query<RowDataPacket[]>(
      `SELECT INTERVAL(CAST(? AS DECIMAL(10, 2)), ${PRICE_BAND_STARTS.join(', ')}) AS band`,
      [price]
    )
    t.equal(priceBandOf(Number(price)), row?.band, price)
  }
})
