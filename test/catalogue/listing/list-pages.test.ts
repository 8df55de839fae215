import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { RowDataPacket } from 'mysql2'
import t from 'tap'
import type { Pagination, ProductListQuery } from '../../../schemas/products.ts'
import { parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { listProducts } from '../../../src/catalogue/listing/read/list-products.ts'
import { sortColumns } from '../../../src/catalogue/listing/read/statements.ts'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { insertProducts, type ProductFixture } from '../../support/insert-products.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createTestReader } from './support/readers.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const reader = createTestReader(connection)

/** Few values, so that most rows tie; names that the collation takes for equal. */
const day = fc.integer({ min: 1, max: 3 }).map((n) => `2026-01-0${n}T00:00:00.000Z`)
const fixture: fc.Arbitrary<ProductFixture> = fc.record({
  name: fc.constantFrom('tea', 'Tea', 'Téa', 'tea pot', 'mug', '茶', '🍵'),
  price: fc.constantFrom('0.00', '9.99', '10.00', '99999999.99'),
  category: fc.constantFrom('a', 'b', 'A', null),
  createdAt: day,
  updatedAt: day
})
const catalogue = fc.array(fixture, { maxLength: 50 })

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const listQuery = fc
  .record({
    sortBy: fc.constantFrom('createdAt', 'updatedAt', 'price', 'name'),
    sortOrder: fc.constantFrom('asc', 'desc'),
    limit: fc.integer({ min: 1, max: 9 }),
    category: optional(fc.uniqueArray(fc.constantFrom('a', 'b', 'A', 'none'), { minLength: 1, maxLength: 3 })),
    minPrice: optional(fc.constantFrom('0', '9.99')),
    maxPrice: optional(fc.constantFrom('10', '9.99')),
    search: optional(fc.constantFrom('tea', 'te', 'pot tea', '茶'))
  })
  .map(
    (query) => Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as ProductListQuery
  )

/** Which of the names above each search finds. */
const namesFound: Readonly<Record<string, string[]>> = {
  tea: ['tea', 'Tea', 'Téa', 'tea pot'],
  te: ['tea', 'Tea', 'Téa', 'tea pot'],
  'pot tea': ['tea pot'],
  茶: ['茶']
}

/** The ids that one unpaged statement gives, in the order of the query. */
async function wholeList(query: ProductListQuery): Promise<string[]> {
  const conditions = ['TRUE']
  const params: unknown[] = []
  const where = (condition: string, ...values: unknown[]) => {
    conditions.push(condition)
    params.push(...values)
  }
  if (query.category) where('category IN (?)', query.category)
  if (query.minPrice) where('price >= ?', query.minPrice)
  if (query.maxPrice) where('price <= ?', query.maxPrice)
  if (query.search) where('name IN (?)', namesFound[query.search])
  const direction = query.sortOrder
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id FROM products WHERE ${conditions.join(' AND ')} ORDER BY ${sortColumns[query.sortBy ?? 'createdAt']} ${direction}, id ${direction}`,
    params
  )
  return rows.map(({ id }) => formatId(id))
}

type Direction = 'nextCursor' | 'prevCursor'

/** Follows one kind of cursor to its end. Returns the ids of the pages, in the order in which they were read. */
async function walk(query: ProductListQuery, direction: Direction, betweenPages: () => Promise<unknown>) {
  const pages: string[][] = []
  let pagination: Pagination
  let cursor = query.cursor
  do {
    const { page } = await listProducts(reader, parseListQuery({ ...query, ...(cursor && { cursor }) }))
    pages.push(page.data.map(({ id }) => id))
    pagination = page.pagination
    cursor = pagination[direction] ?? undefined
    await betweenPages()
  } while (cursor !== undefined)
  return { pages, last: pagination }
}

const nothing = async () => {}

t.test('following cursors in either direction gives every row exactly once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(catalogue, listQuery, async (fixtures, query) => {
      await connection.query('DELETE FROM products')
      await insertProducts(connection, fixtures)
      const expected = await wholeList(query)
      const forward = await walk(query, 'nextCursor', nothing)
      assert.deepEqual(forward.pages.flat(), expected)
      assert.equal(forward.last.hasMore, false)
      // From the last page back to the first one.
      const { prevCursor } = forward.last
      if (prevCursor === null) return
      const backward = await walk({ ...query, cursor: prevCursor }, 'prevCursor', nothing)
      assert.deepEqual([...backward.pages.reverse().flat(), ...(forward.pages.at(-1) ?? [])], expected)
    }),
    { numRuns: 150 }
  )
})

t.test('rows that are inserted between two pages do not move the others', async () => {
  await fc.assert(
    fc.asyncProperty(
      catalogue,
      fc.array(fixture, { minLength: 1, maxLength: 30 }),
      listQuery,
      async (fixtures, arriving, query) => {
        await connection.query('DELETE FROM products')
        await insertProducts(connection, fixtures)
        const before = await wholeList(query)
        const queue = [...arriving]
        const insertNext = async () => insertProducts(connection, queue.splice(0, 2))
        const { pages } = await walk(query, 'nextCursor', insertNext)
        const seen = pages.flat()
        assert.equal(new Set(seen).size, seen.length, 'no row twice')
        assert.deepEqual(
          seen.filter((id) => before.includes(id)),
          before,
          'all rows that were there before, in order'
        )
        const after = await wholeList(query)
        assert.deepEqual(
          seen,
          after.filter((id) => seen.includes(id)),
          'inserted rows are in order too'
        )
      }
    ),
    { numRuns: 60 }
  )
})

t.test('when the remaining rows are deleted, the next page is empty and leads back to the page before', async (t) => {
  await connection.query('DELETE FROM products')
  const ids = await insertProducts(connection, [{ price: '1.00' }, { price: '2.00' }, { price: '3.00' }])
  const query = { sortBy: 'price', sortOrder: 'asc', limit: 2 } as const
  const { page: first } = await listProducts(reader, parseListQuery(query))
  await connection.query('DELETE FROM products WHERE id = ?', [ids[2]])
  const { page: empty } = await listProducts(
    reader,
    parseListQuery({ ...query, cursor: first.pagination.nextCursor ?? '' })
  )
  t.same(empty.data, [])
  t.equal(empty.pagination.nextCursor, null)
  const { page: back } = await listProducts(
    reader,
    parseListQuery({ ...query, cursor: empty.pagination.prevCursor ?? '' })
  )
  t.same(back.data, first.data, 'including the row at the position of the cursor')
  t.equal(back.pagination.prevCursor, null)
})
