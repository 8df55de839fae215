import t from 'tap'
import type { ProductPage } from '../../schemas/products.ts'
import { formatId } from '../../src/platform/lib/uuid.ts'
import { insertProducts } from '../support/insert-products.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'

const PATH = '/api/v1/products'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const app = await testApp(t, config)

const [teaId, mugId, kettleId] = (
  await insertProducts(connection, [
    {
      sku: 'TEA-1',
      name: 'Assam Tea',
      description: 'Strong & black.',
      price: '12.5',
      category: 'Beverages',
      stock: 7,
      createdAt: '2026-03-01T09:30:00.000Z',
      updatedAt: '2026-03-02T17:05:12.100Z'
    },
    { name: 'Mug', price: '5.00', category: 'Kitchen: "Cups"', createdAt: '2026-03-02T00:00:00.000Z' },
    { name: 'Kettle', price: '49.99', category: 'Kitchen, Garden & Pets', createdAt: '2026-03-03T00:00:00.000Z' }
  ])
).map(formatId)

const tea = {
  id: teaId,
  sku: 'TEA-1',
  name: 'Assam Tea',
  description: 'Strong & black.',
  price: '12.50',
  category: 'Beverages',
  stock: 7,
  createdAt: '2026-03-01T09:30:00.000Z',
  updatedAt: '2026-03-02T17:05:12.100Z'
}

function get(query: Record<string, string | string[]> | string) {
  const search =
    typeof query === 'string'
      ? query
      : new URLSearchParams(
          Object.entries(query).flatMap(([key, values]) =>
            [values].flat().map((value): [string, string] => [key, value])
          )
        )
  return app.inject(`${PATH}?${search}`)
}

async function ids(query: Record<string, string | string[]>): Promise<string[]> {
  const response = await get(query)
  return response.json<ProductPage>().data.map(({ id }) => id)
}

t.test('a page has products in full, newest first, and its place in the list', async (t) => {
  const response = await app.inject(PATH)
  t.equal(response.statusCode, 200)
  const page = response.json<ProductPage>()
  t.same(
    page.data.map(({ id }) => id),
    [kettleId, mugId, teaId]
  )
  t.same(page.data[2], tea)
  t.same(page.pagination, { limit: 20, hasMore: false, nextCursor: null, prevCursor: null })
  t.equal(response.headers.link, `<${PATH}>; rel="first"`)
})

t.test('a product is found by its id in either case, with an entity tag', async (t) => {
  for (const id of [teaId, teaId?.toUpperCase()]) {
    const response = await app.inject(`${PATH}/${id}`)
    t.equal(response.statusCode, 200)
    t.same(response.json(), tea)
    t.match(response.headers.etag, /^"[^"]+"$/)
  }
})

t.test('an id of no product is 404, one that is no UUID 400', async (t) => {
  const missing = await app.inject(`${PATH}/00000000-0000-7000-8000-000000000000`)
  t.match(missing.json(), { status: 404, code: 'product-not-found' })
  for (const id of ['1', 'null', '%00', `${teaId}0`, 'x'.repeat(3000), '%F0%9F%8D%8E']) {
    const response = await app.inject(`${PATH}/${id}`)
    t.match(response.json(), { status: 400, code: 'validation-failed', errors: [{ parameter: 'id' }] }, id.slice(0, 40))
  }
})

t.test('filters select', async (t) => {
  t.same(await ids({ category: 'Beverages' }), [teaId])
  t.same(await ids({ category: ['Beverages', 'Kitchen, Garden & Pets'] }), [kettleId, teaId])
  t.same(await ids({ category: 'Kitchen: "Cups"' }), [mugId], 'quotes and colons are letters like others')
  t.same(await ids({ category: 'beverages' }), [], 'a category is meant as written')
  t.same(await ids({ category: "x' OR 1=1 -- " }), [])
  t.same(await ids({ category: 'aisle:list:*' }), [])
  t.same(await ids({ minPrice: '5', maxPrice: '12.5' }), [mugId, teaId], 'both ends belong to the range')
  t.same(await ids({ minPrice: '5.01', maxPrice: '12.49' }), [])
  t.same(await ids({ search: 'STRONG assa' }), [teaId])
  t.same(await ids({ search: 'stron assam' }), [], 'only the last word may be a beginning')
  t.same(await ids({ sortBy: 'price', sortOrder: 'asc' }), [mugId, teaId, kettleId])
  t.same(await ids({ sortBy: 'name', sortOrder: 'desc' }), [mugId, kettleId, teaId])
  t.same(await ids({ sortBy: 'updatedAt', limit: '1' }), [teaId])
})

t.test('bad parameters are refused by name', async (t) => {
  const cases: [query: string, parameter: string][] = [
    ...['1e999', 'Infinity', '-Infinity', 'NaN', '0', '101', '-1', 'abc', '', '1.5', 'null'].map(
      (limit) => [`limit=${limit}`, 'limit'] as [string, string]
    ),
    ['limit=1&limit=2', 'limit'],
    ['total=yes', 'total'],
    ['Category=x', 'Category'],
    ['__proto__=1', '__proto__'],
    ['a/b~c=1', 'a/b~c'],
    ['minPrice=10&maxPrice=9.99', 'minPrice'],
    ...['-1', '1.234', '1e3', 'NaN', 'Infinity', '', '100000000', '1,5', '0x10', ' 1', '١'].flatMap((price) => [
      [`minPrice=${price}`, 'minPrice'] as [string, string],
      [`maxPrice=${price}`, 'maxPrice'] as [string, string]
    ]),
    ['sortBy=stock', 'sortBy'],
    ['sortBy=', 'sortBy'],
    ['sortOrder=up', 'sortOrder'],
    ['search=', 'search'],
    [`search=${'x'.repeat(10_000)}`, 'search'],
    ['search=%00', 'search'],
    ['search=%', 'search'],
    ['search=_', 'search'],
    ['search=%22', 'search'],
    [`search=${encodeURIComponent('+-*()~<>@')}`, 'search'],
    ['search=%ED%A0%80', 'search'],
    ['search=a&search=b', 'search'],
    ['category=', 'category'],
    [`category=${'x'.repeat(101)}`, 'category'],
    [Array.from({ length: 60 }, (_, i) => `category=c${i}`).join('&'), 'category'],
    ['cursor=', 'cursor'],
    [`cursor=${'A'.repeat(10_000)}`, 'cursor']
  ]
  for (const [query, parameter] of cases) {
    const response = await get(query)
    const problem = response.json()
    t.match(problem, { status: 400, instance: PATH, requestId: response.headers['x-request-id'] }, query.slice(0, 60))
    t.match(response.headers['content-type'], 'application/problem+json')
    t.equal(problem.errors?.[0]?.parameter, parameter, query.slice(0, 60))
    t.ok(problem.detail.includes(parameter), `${query.slice(0, 60)}: ${problem.detail}`)
  }
})

t.test('odd but meaningful searches are answered', async (t) => {
  for (const search of [
    'a%',
    '_b_',
    '"tea"',
    'tea +-*()~<>@',
    'tea\u0000',
    '🍎',
    'tea \ud800',
    'x'.repeat(200),
    '茶',
    "l'oréal"
  ]) {
    const response = await get({ search })
    t.equal(response.statusCode, 200, search)
  }
})

t.test('all faults of a request are named at once', async (t) => {
  const response = await get('limit=0&sortBy=stock&foo=1')
  t.same(
    response
      .json()
      .errors.map(({ parameter }: { parameter: string }) => parameter)
      .sort(),
    ['foo', 'limit', 'sortBy']
  )
})

t.test('a cursor is refused when it is damaged, or belongs to another sort or filter', async (t) => {
  const { nextCursor } = (await get({ limit: '1' })).json<ProductPage>().pagination
  const cursor = nextCursor ?? ''
  t.equal((await get({ limit: '2', cursor })).statusCode, 200, 'the page size may change')
  for (let at = 0; at < cursor.length; at++) {
    const damaged = cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1)
    t.match(
      (await get({ limit: '1', cursor: damaged })).json(),
      { status: 400, code: 'invalid-cursor' },
      `character ${at}`
    )
  }
  for (const cut of [cursor.slice(0, -1), `${cursor}A`, `${cursor}=`, ` ${cursor}`, 'AA', '🍎']) {
    t.match((await get({ cursor: cut })).json(), {
      status: 400,
      code: 'invalid-cursor',
      errors: [{ parameter: 'cursor' }]
    })
  }
  const others = [
    { sortBy: 'price' },
    { sortOrder: 'asc' },
    { category: 'Beverages' },
    { search: 'tea' },
    { minPrice: '1' },
    { maxPrice: '99' }
  ]
  for (const other of others) {
    t.match((await get({ ...other, cursor })).json(), {
      status: 400,
      code: 'cursor-mismatch',
      errors: [{ parameter: 'cursor' }]
    })
  }
})

t.test('the links lead where the cursors lead, and keep the query', async (t) => {
  const first = await get({ category: ['Kitchen: "Cups"', 'Beverages'], limit: '1' })
  const links = String(first.headers.link)
  t.notMatch(links, 'rel="prev"')
  const next = links.match(/<([^>]+)>; rel="next"/)?.[1] ?? ''
  const second = await app.inject(next)
  t.same(
    second.json<ProductPage>().data.map(({ id }) => id),
    [teaId]
  )
  t.notMatch(second.headers.link, 'rel="next"')
  const previous = String(second.headers.link).match(/<([^>]+)>; rel="prev"/)?.[1] ?? ''
  t.same(
    (await app.inject(previous)).json<ProductPage>().data.map(({ id }) => id),
    [mugId]
  )
})

t.test('HEAD answers as GET without a body', async (t) => {
  for (const url of [PATH, `${PATH}/${teaId}`]) {
    const response = await app.inject({ method: 'HEAD', url })
    t.equal(response.statusCode, 200)
    t.equal(response.body, '')
    t.ok(Number(response.headers['content-length']) > 0)
  }
})
