import t from 'tap'
import { type ProductListQuery, SORT_KEYS } from '../../../schemas/products.ts'
import { parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { listProducts } from '../../../src/catalogue/listing/read/list-products.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createCountingReader, createTestReader } from './support/readers.ts'

const ROWS = 12_000
const CATEGORIES = 3
const DEPTH = 1500
const LIMIT = 20

const config = await testConfig(t)
const connection = await testConnection(t, config)
const reader = createTestReader(connection)
await insertProducts(
  connection,
  Array.from({ length: ROWS }, (_, i) => ({
    name: `Name ${i % 50}`,
    price: `${i % 40}.99`,
    category: `c${i % CATEGORIES}`,
    createdAt: `2026-01-01T00:00:${String(i % 60).padStart(2, '0')}.000Z`,
    updatedAt: `2026-02-01T00:00:${String(i % 30).padStart(2, '0')}.000Z`
  }))
)
await connection.query('ANALYZE TABLE products')

/** Rows and index entries that the engine reads for one page. */
async function rowsRead(query: ProductListQuery): Promise<number> {
  const reader = createCountingReader(connection)
  await listProducts(reader, parseListQuery(query))
  return reader.rowsRead
}

/** A cursor many pages into the list. */
async function deepCursor(query: ProductListQuery): Promise<string> {
  let cursor = ''
  for (let seen = 0; seen < DEPTH; seen += 100) {
    const { page } = await listProducts(reader, parseListQuery({ ...query, limit: 100, ...(cursor && { cursor }) }))
    cursor = page.pagination.nextCursor ?? ''
  }
  return cursor
}

const scopes = [{}, { category: ['c1'] }, { category: ['c0', 'c1', 'c2'] }]

for (const sortBy of SORT_KEYS) {
  for (const sortOrder of ['asc', 'desc'] as const) {
    t.test(`${sortBy} ${sortOrder}: a deep page reads as many rows as the first`, async (t) => {
      for (const scope of scopes) {
        const query = { ...scope, sortBy, sortOrder, limit: LIMIT }
        const walks = scope.category?.length ?? 1
        // Each walk reads a row more than the page; merging, fetching and ordering them reads them again.
        const bound = 5 * walks * (LIMIT + 1)
        const cursor = await deepCursor(query)
        const { page } = await listProducts(reader, parseListQuery({ ...query, cursor }))
        t.ok((await rowsRead(query)) <= bound, 'the first page')
        t.ok((await rowsRead({ ...query, cursor })) <= bound + 2 * walks, 'a page further on')
        t.ok(
          (await rowsRead({ ...query, cursor: page.pagination.prevCursor ?? '' })) <= bound + 2 * walks,
          'a page back'
        )
      }
    })
  }
}
