import t, { type Test } from 'tap'
import { listen } from '../support/exchange.ts'
import { makeKey } from '../support/make-key.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { type Answer, PRODUCTS, writeClient } from '../support/write-client.ts'

const MISSING = `${PRODUCTS}/00000000-0000-7000-8000-000000000000`

const config = await testConfig(t)
const connection = await testConnection(t, config)
const url = await listen(await testApp(t, config))
const send = await writeClient(connection, url)

let count = 0
const newId = () => `00000000-0000-7000-8000-${String(++count).padStart(12, '0')}`
const pathOf = ({ json }: Answer) => `${PRODUCTS}/${json.id}`
const etagOf = ({ headers }: Answer) => headers.get('etag') ?? ''
const create = async (fields: object = {}) => await send('POST', PRODUCTS, { name: 'Tea', price: '5.00', ...fields })

function isProblem(t: Test, answer: Answer, status: number, code: string, message = code) {
  t.equal(answer.status, status, message)
  t.equal(answer.json.code, code, message)
  t.match(answer.headers.get('content-type'), 'application/problem+json', message)
}

/** The product is read as the write has answered it, with the same entity tag. */
async function isStored(t: Test, answer: Answer, path = pathOf(answer)) {
  const read = await send('GET', path)
  t.equal(read.text, answer.text)
  t.equal(etagOf(read), etagOf(answer))
}

t.test('a created product has a location and an entity tag', async (t) => {
  const fields = { sku: 'TEA-1', name: ' Assam\tTea ', description: '', price: 12.5, category: 'Beverages', stock: 7 }
  const answer = await send('POST', PRODUCTS, fields)
  t.equal(answer.status, 201)
  t.match(answer.json, { ...fields, name: 'Assam Tea', description: null, price: '12.50' })
  t.match(answer.json.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  t.equal(answer.json.createdAt, answer.json.updatedAt)
  t.equal(answer.headers.get('location'), pathOf(answer))
  t.match(etagOf(answer), /^"[^"]+"$/)
  await isStored(t, answer)

  const least = await send('POST', PRODUCTS, { name: 'Mug', price: '0' })
  t.match(least.json, { sku: null, description: null, price: '0.00', category: null, stock: 0 })
})

t.test('PUT creates a product under the id of the client, or replaces it as a whole', async (t) => {
  const path = `${PRODUCTS}/${newId()}`
  const made = await send('PUT', path, { sku: 'PUT-1', name: 'Tea', price: 1, description: 'Strong.', stock: 3 })
  t.equal(made.status, 201)
  t.equal(made.headers.get('location'), path)
  await isStored(t, made, path)

  const replaced = await send('PUT', path, { name: 'Green Tea', price: 2 })
  t.equal(replaced.status, 200)
  t.equal(replaced.headers.get('location'), null)
  t.match(replaced.json, { id: made.json.id, sku: null, name: 'Green Tea', price: '2.00', description: null, stock: 0 })
  t.equal(replaced.json.createdAt, made.json.createdAt)
  t.not(etagOf(replaced), etagOf(made))
  await isStored(t, replaced, path)
})

t.test('PATCH changes the fields that it has, in either content type; null removes', async (t) => {
  const made = await create({ sku: 'PATCH-1', description: 'Strong.', category: 'Beverages', stock: 3 })
  const patched = await send('PATCH', pathOf(made), { price: 6, description: null, sku: 'PATCH-2' })
  t.equal(patched.status, 200)
  t.same(
    { ...made.json, ...patched.json, updatedAt: '' },
    {
      ...made.json,
      ...{ price: '6.00', description: null, sku: 'PATCH-2', updatedAt: '' }
    }
  )
  await isStored(t, patched)
  const merged = await send('PATCH', pathOf(made), '{"sku":null}', { contentType: 'application/merge-patch+json' })
  t.equal(merged.json.sku, null)
  await isStored(t, merged)
  t.equal((await create({ sku: 'PATCH-1' })).status, 201, 'an sku that was given up is free')
})

t.test('DELETE deletes a product; a second time it is a 404', async (t) => {
  const made = await create({ sku: 'DELETE-1' })
  const list = () => send('GET', `${PRODUCTS}?search=tea`)
  await list()
  const deleted = await send('DELETE', pathOf(made))
  t.equal(deleted.status, 204)
  t.equal(deleted.text, '')
  for (const method of ['GET', 'DELETE']) isProblem(t, await send(method, pathOf(made)), 404, 'product-not-found')
  t.equal((await create({ sku: 'DELETE-1' })).status, 201)
})

t.test('a product that does not exist cannot be changed', async (t) => {
  isProblem(t, await send('PATCH', MISSING, { price: 1 }), 404, 'product-not-found')
  isProblem(t, await send('POST', `${MISSING}/stock-adjustments`, { delta: 1 }), 404, 'product-not-found')
})

t.test('a write that changes nothing leaves the product as it is', async (t) => {
  const made = await create({ sku: 'SAME-1', stock: 4 })
  const { sku, name, price, stock } = made.json
  const answers = [
    await send('PUT', pathOf(made), { sku, name: ` ${name} `, price: Number(price), stock }),
    await send('PATCH', pathOf(made), { price, description: null }),
    await send('PATCH', pathOf(made), {}),
    await send('POST', `${pathOf(made)}/stock-adjustments`, { delta: 0 })
  ]
  for (const answer of answers) {
    t.equal(answer.status, 200)
    t.equal(answer.text, made.text)
    t.equal(etagOf(answer), etagOf(made))
  }
  const [rows] = await connection.query('SELECT 1 FROM product_changes WHERE entries LIKE ?', ['%SAME-1%'])
  t.equal((rows as unknown[]).length, 1, 'nobody is told of it')
})

t.test('If-Match: only the version that the client has seen is written', async (t) => {
  const made = await create({ stock: 5 })
  const path = pathOf(made)
  const writes: [string, string, unknown][] = [
    ['PUT', path, { name: 'Other', price: 1 }],
    ['PATCH', path, { price: 2 }],
    ['POST', `${path}/stock-adjustments`, { delta: 1 }],
    ['DELETE', path, undefined]
  ]
  for (const [method, target, body] of writes) {
    const current = etagOf(await send('GET', path))
    for (const condition of ['"0"', `W/${current}`, '', 'x', '"*"', '"x", "y"']) {
      const refused = await send(method, target, body, { headers: { 'if-match': condition } })
      isProblem(t, refused, 412, 'precondition-failed', `${method} ${condition}`)
    }
    t.equal(etagOf(await send('GET', path)), current, 'nothing has changed')
    const done = await send(method, target, body, { headers: { 'if-match': `"x", ${current}` } })
    t.ok([200, 204].includes(done.status), method)
  }
  const absent = await send('PUT', path, { name: 'Tea', price: 1 }, { headers: { 'if-match': '*' } })
  isProblem(t, absent, 412, 'precondition-failed', 'there is none any longer')
})

t.test('If-None-Match: * creates a product, and never replaces one', async (t) => {
  const path = `${PRODUCTS}/${newId()}`
  const onlyNew = { headers: { 'if-none-match': '*' } }
  t.equal((await send('PUT', path, { name: 'Tea', price: 1 }, onlyNew)).status, 201)
  isProblem(t, await send('PUT', path, { name: 'Tea', price: 2 }, onlyNew), 412, 'precondition-failed')
  t.equal((await send('GET', path)).json.price, '1.00')
})

t.test('a product that is created again does not get an earlier entity tag', async (t) => {
  const path = `${PRODUCTS}/${newId()}`
  const tags = new Set<string>()
  for (let round = 0; round < 3; round++) {
    tags.add(etagOf(await send('PUT', path, { name: `Tea ${round}`, price: 1 })))
    await send('DELETE', path)
  }
  t.equal(tags.size, 3)
})

t.test('a sku belongs to one product, and the problem names it', async (t) => {
  const owner = await create({ sku: 'Own 1' })
  const other = await create({ sku: 'OWN 1' })
  t.equal(other.status, 201, 'case counts')
  const answers = [
    await create({ sku: 'Own 1' }),
    await send('PUT', `${PRODUCTS}/${newId()}`, { sku: 'Own 1', name: 'Tea', price: 1 }),
    await send('PUT', pathOf(other), { sku: ' Own  1', name: 'Tea', price: 1 }),
    await send('PATCH', pathOf(other), { sku: 'Own 1' })
  ]
  for (const answer of answers) {
    isProblem(t, answer, 409, 'sku-conflict')
    t.equal(answer.json.productId, owner.json.id)
  }
  await isStored(t, owner)
  await isStored(t, other)
})

t.test('stock is adjusted, but not below zero or above the maximum', async (t) => {
  const path = pathOf(await create({ stock: 5 }))
  const adjust = (delta: number) => send('POST', `${path}/stock-adjustments`, { delta })
  const taken = await adjust(-3)
  t.equal(taken.status, 200)
  t.equal(taken.json.stock, 2)
  await isStored(t, taken)
  isProblem(t, await adjust(-3), 409, 'insufficient-stock')
  isProblem(t, await adjust(2_147_483_646), 409, 'stock-limit')
  t.equal((await adjust(-2)).json.stock, 0)
  t.equal((await adjust(2_147_483_647)).json.stock, 2_147_483_647)
})

t.test('of many writes with one If-Match, one succeeds', async (t) => {
  const made = await create()
  const headers = { 'if-match': etagOf(made) }
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, at) => send('PATCH', pathOf(made), { name: `Tea ${at}` }, { headers }))
  )
  t.same(answers.map(({ status }) => status).sort(), [200, ...Array(11).fill(412)])
  const winner = answers.find(({ status }) => status === 200)
  if (winner) await isStored(t, winner)
})

t.test('of many requests that create one product, one succeeds; the others find it', async (t) => {
  const path = `${PRODUCTS}/${newId()}`
  const puts = await Promise.all(
    Array.from({ length: 8 }, (_, at) => send('PUT', path, { name: `Tea ${at}`, price: 1, sku: 'RACE-1' }))
  )
  t.same(puts.map(({ status }) => status).sort(), [...Array(7).fill(200), 201])
  const posts = await Promise.all(Array.from({ length: 8 }, () => create({ sku: 'RACE-2' })))
  t.same(posts.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)])
  const owner = posts.find(({ status }) => status === 201)?.json.id
  for (const { status, json } of posts) if (status === 409) t.equal(json.productId, owner)
})

t.test('concurrent adjustments take exactly the stock that there is', async (t) => {
  const path = pathOf(await create({ stock: 10 }))
  const answers = await Promise.all(
    Array.from({ length: 16 }, () => send('POST', `${path}/stock-adjustments`, { delta: -1 }))
  )
  t.same(answers.map(({ status }) => status).sort(), [...Array(10).fill(200), ...Array(6).fill(409)])
  t.equal((await send('GET', path)).json.stock, 0)
})

t.test('two clients that swap skus do not block each other', async (t) => {
  const [first, second] = [await create({ sku: 'SWAP-1' }), await create({ sku: 'SWAP-2' })]
  const answers = await Promise.all([
    send('PATCH', pathOf(first), { sku: 'SWAP-2' }),
    send('PATCH', pathOf(second), { sku: 'SWAP-1' })
  ])
  for (const { status } of answers) t.ok([200, 409].includes(status), `${status}`)
})

t.test('writing needs a key with the scope', async (t) => {
  const { key } = await makeKey(connection)
  const made = await create()
  for (const [method, path] of [
    ['POST', PRODUCTS],
    ['PUT', pathOf(made)],
    ['PATCH', pathOf(made)],
    ['DELETE', pathOf(made)],
    ['POST', `${pathOf(made)}/stock-adjustments`]
  ] as const) {
    t.equal((await fetch(url + path, { method })).status, 401)
    t.equal((await fetch(url + path, { method, headers: { 'x-api-key': key } })).status, 403)
  }
  await isStored(t, made)
})
