import t from 'tap'
import type { Facets } from '../../schemas/facets.ts'
import type { ProductPage } from '../../schemas/products.ts'
import { insertProducts } from '../support/insert-products.ts'
import { makeKey } from '../support/make-key.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const LIST = '/api/v1/products'
const FACETS = `${LIST}/facets`

const config = await testConfig(t)
const connection = await testConnection(t, config)
const app = await testApp(t, config)
await insertProducts(connection, [
  { name: 'Green Tea', price: '4.50', category: 'Tea' },
  { name: 'Black Tea', price: '12.00', category: 'Tea' },
  { name: 'Tea Pot', price: '19.99', category: 'Kitchen' },
  { name: 'Mug', price: '9.99', category: 'Kitchen' },
  { name: 'Voucher', price: '0.00', category: null }
])

t.test('facets count by category and price band', async (t) => {
  const response = await app.inject(FACETS)
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], 'application/json')
  t.same(response.json<Facets>(), {
    data: {
      categories: [
        { value: 'Kitchen', count: 2 },
        { value: 'Tea', count: 2 }
      ],
      prices: [
        { from: '0.00', to: '0.99', count: 1 },
        { from: '2.00', to: '4.99', count: 1 },
        { from: '5.00', to: '9.99', count: 1 },
        { from: '10.00', to: '19.99', count: 2 }
      ]
    },
    isExact: true
  })
})

t.test('they take the filters of the list, the categories all but that by category', async (t) => {
  const { data } = (await app.inject(`${FACETS}?search=tea&category=Tea&minPrice=5`)).json<Facets>()
  t.same(data.categories, [
    { value: 'Kitchen', count: 1 },
    { value: 'Tea', count: 1 }
  ])
  t.same(data.prices, [{ from: '10.00', to: '19.99', count: 1 }])
  const narrow = (await app.inject(`${FACETS}?minPrice=11&maxPrice=15.5`)).json<Facets>()
  t.same(narrow.data.prices, [{ from: '11.00', to: '15.50', count: 1 }], 'bands end where the filter ends')
  const none = (await app.inject(`${FACETS}?category=nothing&search=absent`)).json<Facets>()
  t.same(none, { data: { categories: [], prices: [] }, isExact: true })
})

t.test('they are cached like lists, and change with the products', async (t) => {
  const first = await app.inject(FACETS)
  const second = await app.inject(FACETS)
  t.match(second.headers['cache-status'], /hit; detail=memory/)
  const { etag } = first.headers
  t.equal((await app.inject({ url: FACETS, headers: { 'if-none-match': String(etag) } })).statusCode, 304)

  const { key } = await makeKey(connection, { scopes: ['products:write'] })
  const payload = { name: 'Kettle', price: '30', category: 'Kitchen' }
  const created = await app.inject({ method: 'POST', url: LIST, headers: { 'x-api-key': key }, payload })
  t.equal(created.statusCode, 201)
  await waitFor('the facets count it', async () => {
    const { data } = (await app.inject(FACETS)).json<Facets>()
    return data.categories[0]?.count === 3
  })
})

t.test('totals are told when they are asked for', async (t) => {
  const pagination = async (query: string) => (await app.inject(`${LIST}?${query}`)).json<ProductPage>().pagination
  t.notOk('total' in (await pagination('limit=2')))
  for (const total of ['exact', 'estimate'])
    t.match(await pagination(`limit=2&total=${total}`), { total: 6, totalIsExact: true })
  t.match(await pagination('search=tea&limit=1&total=exact'), { total: 3, totalIsExact: true })
  t.match(await pagination('search=absent&total=exact'), { total: 0, totalIsExact: true })
  const { headers } = await app.inject(`${LIST}?limit=2&total=exact`)
  t.match(headers.link, /total=exact/, 'the other pages tell it too')
})

t.test('bad parameters are refused by name', async (t) => {
  const bad: [path: string, parameter: string][] = [
    [`${LIST}?total=yes`, 'total'],
    [`${LIST}?total=`, 'total'],
    [`${FACETS}?total=exact`, 'total'],
    [`${FACETS}?cursor=x`, 'cursor'],
    [`${FACETS}?sortBy=price`, 'sortBy'],
    [`${FACETS}?minPrice=5&maxPrice=4`, 'minPrice'],
    [`${FACETS}?search=%2B-*`, 'search']
  ]
  for (const path of [LIST, FACETS]) {
    bad.push([`${path}?search=${'a'.repeat(10_000)}`, 'search'])
    bad.push([`${path}?search=${Array.from({ length: 200 }, (_, i) => `w${i}`).join('+')}`, 'search'])
    bad.push([`${path}?${Array.from({ length: 60 }, (_, i) => `category=c${i}`).join('&')}`, 'category'])
  }
  for (const [url, parameter] of bad) {
    const response = await app.inject(url)
    t.equal(response.statusCode, 400, url.slice(0, 60))
    t.match(response.json(), { code: 'validation-failed', errors: [{ parameter }] })
  }
})

t.test('odd searches are answered', async (t) => {
  const found: [search: string, count: number][] = [
    ['t', 3],
    ['x', 0],
    ['tea '.repeat(50).trim(), 3],
    [Array.from({ length: 66 }, (_, i) => String.fromCharCode(97 + (i % 26))).join(' '), 0]
  ]
  for (const [search, count] of found) {
    for (const sortBy of ['createdAt', 'name', 'price']) {
      const url = `${LIST}?${new URLSearchParams({ search, sortBy })}`
      const { data } = (await app.inject(url)).json<ProductPage>()
      t.equal(data.length, count, `${search.slice(0, 20)} by ${sortBy}`)
    }
    const facets = (await app.inject(`${FACETS}?${new URLSearchParams({ search })}`)).json<Facets>()
    t.equal(
      facets.data.prices.reduce((sum, price) => sum + price.count, 0),
      count
    )
  }
})
