import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { SORT_KEYS } from '../../../schemas/products.ts'
import type { ListingKey } from '../../../src/catalogue/change-log/product-changes.ts'
import { numberChanges, readChanges, readHead } from '../../../src/catalogue/change-log/product-changes.ts'
import { parseListQuery } from '../../../src/catalogue/listing/query/list-query.ts'
import { affectsPage, listProducts, UNBOUNDED } from '../../../src/catalogue/listing/read/list-products.ts'
import { serialisePage } from '../../../src/catalogue/products/serialise-products.ts'
import { upsertProducts } from '../../../src/catalogue/products/upsert-products.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createTestReader } from './support/readers.ts'

const PRODUCTS = 40
const RUNS = 300

const config = await testConfig(t)
const connection = await testConnection(t, config)
const { database } = await testApp(t, config)
const reader = createTestReader(connection)

const someSku = fc.nat({ max: PRODUCTS - 1 }).map((number) => `SKU-${number}`)
const someWrite = fc.record({
  sku: someSku,
  name: fc.constantFrom('Tea', 'tEAS', 'Téa', 'Black Tea', 'Coffee', 'Œuvre', '7-up', 'Mug'),
  price: fc.integer({ min: 1, max: 9 }).map((euros) => `${euros}.00`),
  category: fc.constantFrom('a', 'b', 'c', null),
  stock: fc.nat({ max: 5 })
})
const someQuery = fc.record(
  {
    category: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
    minPrice: fc.constantFrom('2', '4'),
    maxPrice: fc.constantFrom('5.00', '7'),
    search: fc.constantFrom('tea', 'bl'),
    sortBy: fc.constantFrom(...SORT_KEYS),
    sortOrder: fc.constantFrom('asc' as const, 'desc' as const),
    limit: fc.integer({ min: 1, max: 6 })
  },
  { requiredKeys: ['limit'] }
)

let now = Date.UTC(2026, 0, 1)
const sources = { nowMs: () => ++now, randomBytes }

t.test('a page that no change affects stays the same, in both directions', async (t) => {
  let unaffected = 0
  let different = 0
  await fc.assert(
    fc.asyncProperty(
      someQuery,
      fc.nat({ max: 4 }),
      fc.boolean(),
      fc.array(someWrite, { minLength: 1, maxLength: 2 }),
      async (filters, depth, isBackward, writes) => {
        let query = parseListQuery(filters)
        let read = await listProducts(reader, query)
        for (let page = 0; page < depth && read.page.pagination.nextCursor !== null; page++) {
          query = parseListQuery({ ...filters, cursor: read.page.pagination.nextCursor })
          read = await listProducts(reader, query)
        }
        if (isBackward && read.page.pagination.prevCursor !== null) {
          query = parseListQuery({ ...filters, cursor: read.page.pagination.prevCursor })
          read = await listProducts(reader, query)
        }
        await numberChanges(database)
        const head = await readHead(database)
        await upsertProducts(connection, writes, sources)
        await numberChanges(database)
        const changes = (await readChanges(database, head))?.rows.flatMap((row) => row.changes) ?? []
        const after = await listProducts(reader, query)
        const isSame = serialisePage(after.page) === serialisePage(read.page)
        const isAffected = changes.some(affectsPage(query, read.sortRange))
        if (!isAffected) unaffected++
        if (!isSame) different++
        return isSame || isAffected
      }
    ),
    { numRuns: RUNS }
  )
  t.ok(unaffected > RUNS / 10, `${unaffected} of ${RUNS} pages were not affected`)
  t.ok(different > RUNS / 10, `${different} of ${RUNS} pages changed`)
})

t.test('a change whose listing keys are unknown may change any page', async (t) => {
  const query = parseListQuery({ category: ['a'] })
  const isAffecting = affectsPage(query, UNBOUNDED)
  t.equal(isAffecting({ type: 'upsert', id: '0'.repeat(32), sku: null }), true)
  const key: ListingKey = { name: 'Tea', category: 'b', price: 1, createdAt: '2026', updatedAt: '2026' }
  const known = { type: 'upsert', id: '0'.repeat(32), sku: null, listingKeys: [key, null] } as const
  t.equal(isAffecting(known), false)
})
