import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { type ProductListQuery, type ProductPage, SORT_KEYS } from '../../../schemas/products.ts'
import { drawSample } from '../../../src/catalogue/listing/plan/catalogue-sample.ts'
import type { ListPlan, SelectiveSource } from '../../../src/catalogue/listing/plan/plan-list.ts'
import { samplePositionOf, viewListSample } from '../../../src/catalogue/listing/plan/sample-view.ts'
import { type ListQuery, parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { listProducts } from '../../../src/catalogue/listing/read/list-products.ts'
import { runPlan } from '../../../src/catalogue/listing/read/read-list.ts'
import { sortColumns } from '../../../src/catalogue/listing/read/statements.ts'
import { walk } from '../../../src/catalogue/listing/read/walk.ts'
import { formatId } from '../../../src/platform/lib/uuid.ts'
import { insertProducts } from '../../support/insert-products.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createTestReader } from './support/readers.ts'

const ROWS = 6000
const RUNS = 120
const words = ['tea', 'team', 'green', 'black', 'café', 'tv', 'the', '茶']

const config = await testConfig(t)
const connection = await testConnection(t, config)
await insertProducts(
  connection,
  Array.from({ length: ROWS }, (_, i) => ({
    name: words.filter((_, word) => (i * (word + 3)) % (2 * word + 3) < 2).join(' ') || 'plain',
    description: i % 500 === 0 ? 'very rare' : null,
    price: `${(i * 7) % 60}.50`,
    category: [null, 'a', 'b', 'c'][i % 4] ?? null,
    createdAt: `2026-01-01T00:00:${String((i * 11) % 60).padStart(2, '0')}.000Z`,
    updatedAt: `2026-02-01T00:${String(Math.floor(i / 60) % 60).padStart(2, '0')}:00.000Z`
  }))
)
const reader = createTestReader(connection)
const sample = await drawSample(reader.database)

const someQuery = fc
  .record(
    {
      category: fc.subarray(['a', 'b', 'c', 'none'], { minLength: 1 }),
      minPrice: fc.constantFrom('3', '20.50', '59'),
      maxPrice: fc.constantFrom('4', '30', '60'),
      search: fc
        .array(fc.constantFrom(...words, 'rare', 'absent', 'te', 't'), { minLength: 1, maxLength: 3 })
        .map((chosen) => chosen.join(' ')),
      sortBy: fc.constantFrom(...SORT_KEYS),
      sortOrder: fc.constantFrom('asc' as const, 'desc' as const),
      limit: fc.integer({ min: 1, max: 30 })
    },
    { requiredKeys: ['sortBy', 'sortOrder', 'limit'] }
  )
  .filter(({ minPrice = '0', maxPrice = '99' }) => Number(minPrice) <= Number(maxPrice))

/** The ids that one statement without any plan finds, in reading order. */
async function expectedIds(query: ListQuery, needed: number): Promise<string[]> {
  const { key, order } = query.sort
  const column = sortColumns[key]
  const direction = (order === 'asc') !== (query.from?.backward ?? false) ? 'ASC' : 'DESC'
  const conditions = ['TRUE']
  const params: unknown[] = []
  const where = (condition: string, ...values: unknown[]) => {
    conditions.push(condition)
    params.push(...values)
  }
  if (query.categories.length > 0) where('category IN (?)', query.categories)
  if (query.minPrice !== null) where('price >= ?', query.minPrice)
  if (query.maxPrice !== null) where('price <= ?', query.maxPrice)
  for (const term of query.search ?? []) where('LOCATE(?, search_words) > 0', term)
  if (query.from !== null) {
    const beyond = direction === 'ASC' ? '>' : '<'
    const value = key.endsWith('At') ? query.from.value.replace('T', ' ').slice(0, -1) : query.from.value
    const equal = query.from.inclusive ? '=' : ''
    where(`(${column} ${beyond} ? OR (${column} = ? AND id ${beyond}${equal} ?))`, value, value, query.from.id)
  }
  const [rows] = await connection.query(
    `SELECT id FROM products IGNORE INDEX (products_${column}) WHERE ${conditions.join(' AND ')}
      ORDER BY ${column} ${direction}, id ${direction} LIMIT ${needed}`,
    params
  )
  return (rows as { id: Buffer }[]).map(({ id }) => formatId(id))
}

/** Every plan that can answer the query, each as the only one. */
function plansFor({ search, minPrice, maxPrice }: ListQuery): ListPlan[] {
  const walk = { entries: 100, candidatesPerMatch: 3, costUs: 1, optimisticUs: 1 }
  const fetch = (source: SelectiveSource, costUs = 0): ListPlan => ({ walk, selective: { source, costUs } })
  const isOnPrices = minPrice !== null || maxPrice !== null
  return [
    { walk, selective: null },
    { walk: { ...walk, entries: 1, candidatesPerMatch: 0.1 }, selective: null },
    ...(search ?? []).map((term) => fetch({ terms: [term] })),
    // Before a selective fetch that costs more, the walk is tried.
    ...(search === null ? [] : [fetch({ terms: search }), fetch({ terms: search }, 100)]),
    ...(isOnPrices ? [fetch('prices')] : [])
  ]
}

t.test('every plan finds the same rows, from any position, in both directions', async (t) => {
  let checked = 0
  await fc.assert(
    fc.asyncProperty(someQuery, fc.nat({ max: 3 }), fc.boolean(), async (filters, depth, isBackward) => {
      let asked: ProductListQuery = filters
      for (let page = 0; page <= depth; page++) {
        const { pagination } = (await listProducts(reader, parseListQuery(asked))).page
        const cursor = page === depth && isBackward ? pagination.prevCursor : pagination.nextCursor
        if (cursor === null) break
        asked = { ...filters, cursor }
      }
      const query = parseListQuery(asked)
      const needed = query.limit + 1
      const expected = await expectedIds(query, needed)
      const view = viewListSample(sample, query, await samplePositionOf(reader.database, query))
      for (const plan of plansFor(query)) {
        const { rows, stoppedAt } = await runPlan(reader, { query, view, needed }, plan)
        assert.deepEqual(
          rows.map(({ id }) => formatId(id)),
          expected,
          JSON.stringify(plan)
        )
        assert.equal(stoppedAt, null)
        checked++
      }
    }),
    { numRuns: RUNS }
  )
  t.ok(checked > 2 * RUNS, `${checked} plans were run`)
})

t.test('with a tiny budget for each page, the pages together are the whole list, in both directions', async (t) => {
  const poor = createTestReader(connection, { pageBudgetUs: 1 })
  let short = 0
  await fc.assert(
    fc.asyncProperty(someQuery, async (query) => {
      // With smaller pages a list of all products has thousands of them.
      const filters = { ...query, limit: query.limit + 19 }
      const expected = await expectedIds(parseListQuery(filters), ROWS)
      const forward: string[] = []
      const pages: { cursor: string | null; size: number }[] = []
      let [cursor, last]: [string | null, string | null] = [null, null]
      do {
        const asked: ProductListQuery = { ...filters, ...(cursor !== null && { cursor }) }
        const { data, pagination }: ProductPage = (await listProducts(poor, parseListQuery(asked))).page
        forward.push(...data.map(({ id }) => id))
        if (data.length < filters.limit && pagination.hasMore) short++
        pages.push({ cursor, size: data.length })
        ;[cursor, last] = [pagination.nextCursor, pagination.prevCursor]
      } while (cursor !== null)
      assert.deepEqual(forward, expected)
      const backward: string[] = forward.slice(forward.length - (pages.at(-1)?.size ?? 0)).reverse()
      for (cursor = last; cursor !== null; ) {
        const { data, pagination } = (await listProducts(poor, parseListQuery({ ...filters, cursor }))).page
        backward.push(...data.map(({ id }) => id).reverse())
        cursor = pagination.prevCursor
      }
      assert.deepEqual(backward.reverse(), expected, 'and back')
    }),
    { numRuns: 40 }
  )
  t.ok(short > 0, `${short} pages were short`)
})

t.test('a walk goes on where it was when a step is smaller than the rest of the one before', async () => {
  await connection.query('DELETE FROM products')
  const far = 24_000
  await insertProducts(
    connection,
    Array.from({ length: far }, (_, i) => ({
      name: i % 600 === 0 ? 'rare' : 'plain',
      createdAt: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString()
    }))
  )
  const query = parseListQuery({ search: 'rare', sortOrder: 'asc', limit: 40 })
  const needed = 35
  const view = viewListSample(await drawSample(reader.database), query, null)
  for (const budgetUs of [2000, 2500, 3000, 4000, 6000, 9000]) {
    for (const candidatesPerMatch of [0.02, 0.05, 0.1, 0.3, 1]) {
      for (const entries of [2000, 6000, 9000, 14_000]) {
        const plan = { entries, candidatesPerMatch, costUs: 1, optimisticUs: 1 }
        const { rows } = await walk(reader.database, { query, view, needed }, plan, budgetUs)
        const read = rows.map(({ id }) => formatId(id))
        assert.deepEqual(read, (await expectedIds(query, needed)).slice(0, read.length))
      }
    }
  }
})
