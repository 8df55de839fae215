import t from 'tap'
import type { ProductListQuery } from '../../../schemas/products.ts'
import { createSample, drawSample } from '../../../src/catalogue/listing/plan/catalogue-sample.ts'
import { viewListSample } from '../../../src/catalogue/listing/plan/sample-view.ts'
import { parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { listProducts } from '../../../src/catalogue/listing/read/list-products.ts'
import { runPlan } from '../../../src/catalogue/listing/read/read-list.ts'
import { searchColumn } from '../../../src/catalogue/search/search-words.ts'
import { signatureOf } from '../../../src/catalogue/search/word-signature.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { makeSample } from './support/make-sample.ts'
import { createCountingReader } from './support/readers.ts'

const ROWS = 12_000
const config = await testConfig(t)
const connection = await testConnection(t, config)
await insertProducts(
  connection,
  Array.from({ length: ROWS }, (_, i) => ({
    name: i % 2 === 0 ? 'new common' : 'new other',
    price: `${i % 100}.00`,
    createdAt: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString()
  }))
)
await connection.query('ANALYZE TABLE products')

/** A sample as if the catalogue had been larger, and its products different. */
const drawn = await drawSample(createCountingReader(connection).database)
const old = createSample(
  drawn.products.map((product) => ({ ...product, ...plain(), priceValue: 500 })),
  500
)

/** Tells the statements of selective fetches from those of walks in the tests below. */
const SELECTIVE = /MATCH|FORCE INDEX \(products_price\)/

function plain() {
  const searchWords = searchColumn('plain', null)
  return { searchWords, signature: signatureOf(searchWords) }
}

/**
 * Makes a reader with the wrong sample, on a server that needs ten milliseconds for each row of a selective fetch. It gives
 * up such a fetch after a millisecond.
 */
function createMisledReader() {
  let isDistrusted = false
  const reader = createCountingReader(connection, {
    selectiveTimeoutMs: 1,
    rewrite: (sql) => (SELECTIVE.test(sql) ? sql.replace(/ WHERE /g, ' WHERE SLEEP(0.01) = 0 AND ') : sql),
    sampler: {
      current: async () => old,
      distrust() {
        isDistrusted = true
      }
    }
  })
  return { reader, isDistrusted: () => isDistrusted }
}

async function expected(query: ProductListQuery): Promise<string[]> {
  const reader = createCountingReader(connection)
  const { page } = await listProducts(reader, parseListQuery(query))
  return page.data.map(({ id }) => id)
}

t.test('a word that became common: the selective fetch is given up for a walk', async (t) => {
  for (const sortBy of ['createdAt', 'name', 'price'] as const) {
    const { reader, isDistrusted } = createMisledReader()
    const query: ProductListQuery = { search: 'common', sortBy }
    const { page } = await listProducts(reader, parseListQuery(query))
    t.equal(page.data.length, 20)
    t.same(
      page.data.map(({ id }) => id),
      await expected(query),
      'the rows are right all the same'
    )
    t.match(reader.sent[0], /MATCH/, 'according to the sample the word is rare')
    t.equal(reader.sent.length, 2)
    t.notMatch(reader.sent[1], /MATCH/)
    t.ok(isDistrusted(), 'a new sample will be drawn')
    // Sorted by name, half of the products come before the first one that has the word.
    t.ok(reader.rowsRead < (sortBy === 'name' ? ROWS : 1000), `${reader.rowsRead} rows read`)
  }
})

t.test('a price range that became wide: the selective fetch is given up for a walk', async (t) => {
  const { reader, isDistrusted } = createMisledReader()
  const query: ProductListQuery = { minPrice: '0', maxPrice: '99', sortBy: 'name' }
  const { page } = await listProducts(reader, parseListQuery(query))
  t.same(
    page.data.map(({ id }) => id),
    await expected(query)
  )
  t.match(reader.sent[0], /FORCE INDEX \(products_price\)/)
  t.match(reader.sent[1], /FORCE INDEX \(products_name\)/)
  t.ok(isDistrusted())
})

t.test('words that became rare: the walk is given up for a selective fetch', async (t) => {
  // In the sample every second product has the word; in the catalogue none has.
  const sample = makeSample(
    Array.from({ length: 4000 }, (_, i) => ({ name: i % 2 === 0 ? 'gone' : 'plain' })),
    ROWS / 4000
  )
  const reader = createCountingReader(connection, { sampler: { current: async () => sample, distrust() {} } })
  const { page } = await listProducts(reader, parseListQuery({ search: 'gone' }))
  t.same(page.data, [])
  t.equal(page.pagination.hasMore, false)
  t.ok(reader.rowsRead <= 2 * ROWS, 'each entry was read once')

  // In this sample the word is rare, so that the walk spends its budget before it reaches the end.
  const rare = makeSample(
    Array.from({ length: 4000 }, (_, i) => ({ name: i % 1000 === 0 ? 'gone' : 'plain' })),
    ROWS / 4000
  )
  const sampler = { current: async () => rare, distrust() {} }
  const poor = createCountingReader(connection, { pageBudgetUs: 100, sampler })
  const query = parseListQuery({ search: 'gone' })
  const view = viewListSample(rare, query, null)
  const plan = {
    walk: { entries: 1, candidatesPerMatch: 1, costUs: 1, optimisticUs: 1 },
    selective: { source: { terms: [' gone'] }, costUs: 50 }
  }
  const { rows, stoppedAt } = await runPlan(poor, { query, view, needed: 21 }, plan)
  t.same({ rows, stoppedAt }, { rows: [], stoppedAt: null })
  t.equal(poor.sent.length, 2)
  t.match(poor.sent[1], /MATCH/)
})

t.test('when the sample is right, no combination of filters and sort reads many rows', async (t) => {
  const sample = await drawSample(createCountingReader(connection).database)
  const queries: ProductListQuery[] = [
    { search: 'common' },
    { search: 'new common', sortBy: 'price' },
    { search: 'absent' },
    { search: 'common absent', sortBy: 'name' },
    { minPrice: '5', maxPrice: '5', sortBy: 'name' },
    { minPrice: '200', sortBy: 'createdAt' },
    { search: 'other', minPrice: '7', maxPrice: '7' },
    { search: 'other', category: ['none'] }
  ]
  for (const query of queries) {
    for (const sortOrder of ['asc', 'desc'] as const) {
      const reader = createCountingReader(connection, {
        // A slow machine does not make the reader give up a plan that is right.
        selectiveTimeoutMs: 60_000,
        sampler: { current: async () => sample, distrust() {} }
      })
      await listProducts(reader, parseListQuery({ ...query, sortOrder }))
      t.ok(reader.rowsRead < 3000, `${JSON.stringify(query)} ${sortOrder}: ${reader.rowsRead} rows read`)
    }
  }
})
