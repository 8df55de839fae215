import { randomUUID } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { parseId } from '../../src/platform/lib/uuid.ts'
import { listen } from '../support/exchange.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Answer, PRODUCTS, type WriteClient, writeClient } from '../support/write-client.ts'

const TEA = { name: 'Tea', price: '5.00' }
const MERGE_PATCH = 'application/merge-patch+json'

const config = await testConfig(t, { DB_QUERY_TIMEOUT_MS: '8000' })
const connection = await testConnection(t, config)
const [url, otherUrl] = [await listen(await testApp(t, config)), await listen(await testApp(t, config))]
const client = await writeClient(connection, url)
/** The same client at the other instance. */
const elsewhere: WriteClient = (method, path, body, options) =>
  client(method, path, body, { ...options, url: otherUrl })

const keyed = (key: string, headers: Record<string, string> = {}) => ({
  headers: { 'idempotency-key': key, ...headers }
})
const pathOf = ({ json }: Answer) => `${PRODUCTS}/${json.id}`
const isReplay = ({ headers }: Answer) => headers.get('idempotent-replayed') === 'true'

async function countRows(table: string, where = '1', values: readonly unknown[] = []): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(`SELECT COUNT(*) AS count FROM ${table} WHERE ${where}`, [
    ...values
  ])
  return Number(row?.count)
}

/** The same answer in every byte and in each header field that belongs to it. */
function isRepeated(t: Test, answer: Answer, first: Answer) {
  t.ok(isReplay(answer), 'it says so')
  t.notOk(isReplay(first))
  t.equal(answer.status, first.status)
  t.equal(answer.text, first.text)
  for (const name of ['etag', 'location', 'content-type', 'content-length'])
    t.equal(answer.headers.get(name), first.headers.get(name), name)
}

function isProblem(t: Test, { status, json }: Answer, expected: number, code: string) {
  t.equal(status, expected)
  t.equal(json.code, code)
}

t.test('a repeated request gets the same response from either instance, and takes effect once', async (t) => {
  const made = await client(
    'POST',
    PRODUCTS,
    { ...TEA, sku: 'ONCE-1', stock: 9, description: 'Grün “x” \u{1F375}' },
    keyed('a')
  )
  t.equal(made.status, 201)
  for (const send of [client, elsewhere]) {
    const again = await send(
      'POST',
      PRODUCTS,
      { ...TEA, sku: 'ONCE-1', stock: 9, description: 'Grün “x” \u{1F375}' },
      keyed('a')
    )
    isRepeated(t, again, made)
  }

  const path = pathOf(made)
  const adjusted = await client('POST', `${path}/stock-adjustments`, { delta: -2 }, keyed('b'))
  t.equal(adjusted.json.stock, 7)
  const patched = await client('PATCH', path, { stock: 3 }, keyed('c'))
  isRepeated(t, await elsewhere('POST', `${path}/stock-adjustments`, { delta: -2 }, keyed('b')), adjusted)
  isRepeated(t, await elsewhere('PATCH', path, { stock: 3 }, keyed('c')), patched)
  t.equal((await client('GET', path)).json.stock, 3)
})

t.test('the stored response is returned whatever has happened to the product, or to the condition', async (t) => {
  const made = await client('POST', PRODUCTS, TEA)
  const path = pathOf(made)
  const condition = { 'if-match': made.headers.get('etag') ?? '' }
  const patched = await client('PATCH', path, { price: 6 }, keyed('lost-update', condition))
  t.equal(patched.status, 200)
  isRepeated(t, await client('PATCH', path, { price: 6 }, keyed('lost-update', condition)), patched)
  await client('DELETE', path)
  isRepeated(t, await elsewhere('PATCH', path, { price: 6 }, keyed('lost-update', condition)), patched)
})

t.test('a patch that changes nothing is stored too', async (t) => {
  const path = pathOf(await client('POST', PRODUCTS, TEA))
  const same = await client('PATCH', path, {}, keyed('no-op'))
  await client('PATCH', path, { price: 7 })
  isRepeated(t, await client('PATCH', path, {}, keyed('no-op')), same)
})

t.test('a key belongs to one request: a different one is refused, and has no effect', async (t) => {
  const made = await client('POST', PRODUCTS, { ...TEA, stock: 1 }, keyed('mine'))
  const path = pathOf(made)
  const etag = made.headers.get('etag') ?? ''
  const patched = await client('PATCH', path, { stock: 2 }, keyed('patch'))
  const products = await countRows('products')
  const others = [
    await client('POST', PRODUCTS, { ...TEA, stock: 2 }, keyed('mine')),
    await elsewhere('POST', PRODUCTS, ` ${JSON.stringify({ ...TEA, stock: 1 })}`, keyed('mine')),
    await client('PATCH', path, { ...TEA, stock: 1 }, keyed('mine')),
    await client('POST', `${path}/stock-adjustments`, { delta: 1 }, keyed('mine')),
    await client('PATCH', path, { stock: 2 }, { ...keyed('patch'), contentType: MERGE_PATCH }),
    await client('PATCH', path, { stock: 2 }, keyed('patch', { 'if-match': etag })),
    await client('PATCH', path, { stock: 2 }, keyed('patch', { 'if-none-match': etag }))
  ]
  for (const answer of others) isProblem(t, answer, 422, 'idempotency-key-reused')
  t.equal(await countRows('products'), products)
  t.equal((await client('GET', path)).text, patched.text)
})

t.test('while a request is under way, repetitions get 409 at once; afterwards they get its response', async (t) => {
  const path = pathOf(await client('POST', PRODUCTS, { ...TEA, stock: 5 }))
  const take = (send: WriteClient) => send('POST', `${path}/stock-adjustments`, { delta: -1 }, keyed('slow'))
  await connection.beginTransaction()
  await connection.query('SELECT 1 FROM products WHERE id = ? FOR UPDATE', [parseId(path.split('/').at(-1) ?? '')])
  const first = take(client)
  const isDone = first.then(() => true)
  await waitFor('the first one is under way', async () => {
    const [rows] = await connection.query<RowDataPacket[]>(
      "SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE 'SELECT%FROM products%FOR UPDATE'"
    )
    return rows.length === 1
  })
  for (const send of [client, elsewhere]) {
    const refused = await take(send)
    isProblem(t, refused, 409, 'idempotency-key-in-use')
    t.equal(refused.headers.get('retry-after'), '1')
    t.equal(await Promise.race([isDone, 'under way']), 'under way', 'it has not waited for the first one')
  }
  await connection.rollback()
  t.equal((await first).json.stock, 4)
  isRepeated(t, await take(elsewhere), await first)
})

t.test('many requests at once to two instances create one product', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      (at % 2 ? client : elsewhere)('POST', PRODUCTS, { ...TEA, sku: 'MANY' }, keyed('many'))
    )
  )
  const made = answers.filter(({ status }) => status === 201)
  t.equal(made.filter((answer) => !isReplay(answer)).length, 1)
  t.equal(new Set(made.map(({ text }) => text)).size, 1)
  for (const answer of answers) if (answer.status !== 201) isProblem(t, answer, 409, 'idempotency-key-in-use')
  t.equal(await countRows('products', 'sku = ?', ['MANY']), 1)
})

t.test(
  'many requests with different keys that deadlock and lose races each take effect once, or are refused',
  async (t) => {
    const [first, second] = [await client('POST', PRODUCTS, TEA), await client('POST', PRODUCTS, TEA)]
    const sends = Array.from({ length: 24 }, (_, at) => () => {
      const send = at % 2 ? client : elsewhere
      return send('PATCH', pathOf(at % 3 ? first : second), { sku: `SWAP-${at % 2}`, stock: at }, keyed(`swap-${at}`))
    })
    const answers = await Promise.all(sends.map((send) => send()))
    for (const [at, answer] of answers.entries()) {
      t.ok(answer.status === 200 || answer.json.code === 'sku-conflict', `${answer.status}`)
      t.notOk(isReplay(answer))
      if (answer.status === 200) isRepeated(t, (await sends[at]?.()) ?? answer, answer)
    }
  }
)

t.test('a refusal is not stored: the key can be used again', async (t) => {
  const owner = await client('POST', PRODUCTS, { ...TEA, sku: 'TAKEN', stock: 1 })
  const create = () => client('POST', PRODUCTS, { ...TEA, sku: 'TAKEN' }, keyed('again'))
  isProblem(t, await create(), 409, 'sku-conflict')
  await client('DELETE', pathOf(owner))
  const made = await create()
  t.equal(made.status, 201)
  t.notOk(isReplay(made))

  const adjust = (delta: number) => client('POST', `${pathOf(made)}/stock-adjustments`, { delta }, keyed('adjust'))
  isProblem(t, await adjust(-1), 409, 'insufficient-stock')
  t.equal((await adjust(2)).json.stock, 2, 'another request may have it')

  isProblem(t, await client('POST', PRODUCTS, { name: '' }, keyed('invalid')), 400, 'validation-failed')
  t.equal((await client('POST', PRODUCTS, TEA, keyed('invalid'))).status, 201)
})

t.test('after a day a key can be used again', async (t) => {
  const create = (name: string) => client('POST', PRODUCTS, { ...TEA, name }, keyed('day'))
  const age = (seconds: number) =>
    connection.query(
      'UPDATE idempotency_keys SET created_at = UTC_TIMESTAMP(3) - INTERVAL ? SECOND WHERE idempotency_key = ?',
      [seconds, 'day']
    )
  const made = await create('Tea')
  await age(86_400 - 600)
  isRepeated(t, await create('Tea'), made)
  isProblem(t, await create('Other'), 422, 'idempotency-key-reused')
  await age(86_400)
  const anew = await create('Other')
  t.equal(anew.status, 201)
  t.not(anew.json.id, made.json.id)
  isRepeated(t, await create('Other'), anew)
  t.equal(await countRows('idempotency_keys', 'idempotency_key = ?', ['day']), 1)
})

t.test('different API keys do not share idempotency keys', async (t) => {
  const [mine, theirs] = [client, await writeClient(connection, url)]
  const made = await Promise.all([mine, theirs].map((send) => send('POST', PRODUCTS, TEA, keyed('shared'))))
  t.same(
    made.map(({ status }) => status),
    [201, 201]
  )
  t.not(made[0]?.json.id, made[1]?.json.id)
})

t.test('a key is 1 to 255 printable ASCII characters, and case counts', async (t) => {
  for (const key of ['', 'x'.repeat(256), 'ü', 'a\tb', 'a\u0080']) {
    const refused = await client('POST', PRODUCTS, TEA, keyed(key))
    isProblem(t, refused, 400, 'validation-failed')
    t.same(refused.json.errors, [
      { parameter: 'Idempotency-Key', detail: 'must be 1 to 255 printable ASCII characters' }
    ])
  }
  const keys = ['x', 'X', 'x'.repeat(255), '"x"', 'a b', `!~'\\%_`, randomUUID()]
  for (const key of keys) t.notOk(isReplay(await client('POST', PRODUCTS, TEA, keyed(key))), key)
  for (const key of keys) t.ok(isReplay(await client('POST', PRODUCTS, TEA, keyed(key))), key)
})

t.test('a browser may read that it is a replay', async (t) => {
  const { headers } = await client('GET', PRODUCTS)
  t.match(headers.get('access-control-expose-headers'), /\bIdempotent-Replayed\b/)
})

t.test('the instance that replays a response shows the write in later reads', async (t) => {
  const idsIn = ({ text }: Answer) => JSON.parse(text).data.map(({ id }: { id: string }) => id)
  for (let round = 0; round < 10; round++) {
    const [category, key] = [`Replayed ${round}`, `read-${round}`]
    const list = `${PRODUCTS}?category=${encodeURIComponent(category)}`
    t.same(idsIn(await elsewhere('GET', list)), [])
    const made = await client('POST', PRODUCTS, { ...TEA, category }, keyed(key))
    t.ok(isReplay(await elsewhere('POST', PRODUCTS, { ...TEA, category }, keyed(key))))
    t.same(idsIn(await elsewhere('GET', list)), [made.json.id])
  }
})
