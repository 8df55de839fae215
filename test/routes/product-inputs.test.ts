import { gzipSync } from 'node:zlib'
import t from 'tap'
import { listen } from '../support/exchange.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { PRODUCTS, writeClient } from '../support/write-client.ts'
import { badMembers } from './support/bad-members.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const send = await writeClient(connection, await listen(await testApp(t, config)))
const made = await send('POST', PRODUCTS, { sku: 'TEA-1', name: 'Tea', price: '5.00', stock: 3 })
const PATH = `${PRODUCTS}/${made.json.id}`
const ADJUSTMENTS = `${PATH}/stock-adjustments`
const LONGEST = { name: '🍵'.repeat(255), description: '🍵'.repeat(5000), category: '🍵'.repeat(100) }

t.test('every wrong field is refused with its pointer', async (t) => {
  for (const [member, pointer] of badMembers) {
    const rest = ['"name":"Tea"', '"price":1'].filter((other) => !member.startsWith(other.split(':')[0] ?? ''))
    for (const [method, path, body] of [
      ['POST', PRODUCTS, `{${[...rest, member].join()}}`],
      ['PUT', PATH, `{${[...rest, member].join()}}`],
      ['PATCH', PATH, `{${member}}`]
    ] as const) {
      const { status, json } = await send(method, path, body)
      t.equal(status, 400, `${method} ${body.slice(0, 80)}`)
      t.equal(json.code, 'validation-failed')
      t.same([...new Set(json.errors?.map((error) => error.pointer))], [pointer], member.slice(0, 80))
    }
  }
})

t.test('all faults are reported at once', async (t) => {
  const unknown = await send('POST', PRODUCTS, { colour: 'red', stock: '5' })
  t.same(unknown.json.errors?.map(({ pointer }) => pointer).sort(), ['#/colour', '#/name', '#/price', '#/stock'])
  const values = await send('POST', PRODUCTS, { name: ' ', price: 'free', sku: 'é' })
  t.same(values.json.errors?.map(({ pointer }) => pointer).sort(), ['#/name', '#/price', '#/sku'])
})

t.test('a body must be an object', async (t) => {
  for (const body of ['[]', '[{"name":"Tea","price":1}]', '"Tea"', '5', 'null', 'true', '']) {
    for (const [method, path] of [
      ['POST', PRODUCTS],
      ['PUT', PATH],
      ['PATCH', PATH],
      ['POST', ADJUSTMENTS]
    ] as const) {
      const { status, json } = await send(method, path, body)
      t.equal(status, 400, `${method} ${body}`)
      t.match(json, { code: 'validation-failed', errors: [{ pointer: '#' }] }, `${method} ${body}`)
    }
  }
  t.match((await send('POST', PRODUCTS)).json, { status: 400, errors: [{ pointer: '#' }] }, 'no body')
})

t.test('an adjustment must be one whole number', async (t) => {
  for (const body of [
    '{}',
    '{"delta":"1"}',
    '{"delta":1.5}',
    '{"delta":null}',
    '{"delta":2147483648}',
    '{"delta":1e2}'
  ])
    t.match((await send('POST', ADJUSTMENTS, body)).json, { status: 400, errors: [{ pointer: '#/delta' }] }, body)
  t.match((await send('POST', ADJUSTMENTS, { delta: 1, by: 'me' })).json, { errors: [{ pointer: '#/by' }] })
})

t.test('a body that is not JSON is refused', async (t) => {
  const deep = (depth: number) => `{"name":${'['.repeat(depth)}${']'.repeat(depth)},"price":1}`
  const bodies = [
    '{',
    '{"name":"Tea",}',
    "{'name':'Tea'}",
    '{"name":"Tea"} x',
    '{"price":NaN}',
    '{"price":01}',
    'name=Tea'
  ]
  for (const body of [...bodies, deep(60_000), '['.repeat(100_000), Buffer.from([0x22, 0xff, 0xfe, 0x22])]) {
    const { status, json } = await send('POST', PRODUCTS, body)
    t.equal(status, 400, String(body).slice(0, 40))
    t.equal(json.code, 'malformed-json')
  }
  t.match((await send('POST', PRODUCTS, deep(50))).json, { status: 400, errors: [{ pointer: '#/name' }] })
})

t.test('other content types, charsets and codings are refused', async (t) => {
  const body = '{"name":"Tea","price":1}'
  const MERGE_PATCH = 'application/merge-patch+json'
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json-patch+json',
    'x'
  ]
  for (const contentType of [...types, 'application/json; charset=utf-16', 'application/json;charset="iso-8859-1"']) {
    for (const [method, path] of [
      ['POST', PRODUCTS],
      ['PUT', PATH],
      ['PATCH', PATH]
    ] as const) {
      const { status, json } = await send(method, path, body, { contentType })
      t.equal(status, 415, `${method} ${contentType}`)
      t.equal(json.code, 'unsupported-media-type')
    }
  }
  t.equal((await send('POST', PRODUCTS, body, { contentType: MERGE_PATCH })).status, 415, 'a merge patch makes nothing')
  for (const [coding, bytes] of [
    ['gzip', gzipSync(body)],
    ['br', Buffer.from(body)]
  ] as const) {
    const refused = await send('POST', PRODUCTS, bytes, { headers: { 'content-encoding': coding } })
    t.equal(refused.status, 415)
    t.equal(refused.headers.get('accept-encoding'), 'identity')
  }
  for (const contentType of ['application/json; charset=UTF-8', 'application/json;charset="utf-8"', 'Application/JSON'])
    t.equal((await send('POST', PRODUCTS, body, { contentType })).status, 201, contentType)
})

t.test('the longest product is accepted in any JSON spelling, a longer body is not', async (t) => {
  const escaped = JSON.stringify({ ...LONGEST, price: 1 }).replace(/[\u0080-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  const answer = await send('POST', PRODUCTS, escaped)
  t.equal(answer.status, 201)
  t.match(answer.json, LONGEST)
  const padded = await send('POST', PRODUCTS, `${escaped}${' '.repeat(70_000)}`)
  t.match(padded.json, { status: 413, code: 'payload-too-large' })
})

t.test('an id must be a UUID', async (t) => {
  for (const id of ['1', 'null', `${made.json.id}0`]) {
    const answer = await send('PUT', `${PRODUCTS}/${id}`, { name: 'Tea', price: 1 })
    t.match(answer.json, { status: 400, errors: [{ parameter: 'id' }] })
  }
})

t.test('no refused request has changed anything', async (t) => {
  t.equal((await send('GET', PATH)).text, made.text)
})
