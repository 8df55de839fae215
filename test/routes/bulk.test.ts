import { once } from 'node:events'
import { connect } from 'node:net'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { BULK, bulk, product, startBulk, toNdjson } from '../support/bulk-client.ts'
import { exchange, listen } from '../support/exchange.ts'
import { makeKey } from '../support/make-key.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'
import { badMembers } from './support/bad-members.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const { key } = await makeKey(connection, { scopes: ['products:write'] })
const here = await listen(await testApp(t, config))
const there = await listen(await testApp(t, config))

async function rowsLike(pattern: string): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT sku, name, price, stock, version FROM products WHERE sku LIKE ? ORDER BY sku',
    [pattern]
  )
  return rows
}

t.test('each line has a result, in order', async (t) => {
  const body = [
    '\ufeff{"sku":"TEA","name":" Green\\tTea ","price":1.5,"stock":3}',
    '',
    '{"sku":"TEA","price":"2"}\r',
    '{"sku":" TEA ","price":2}',
    ' \t\r',
    '{"sku":"NEW","price":2}',
    '{"sku":"TEA","delete":true}',
    '{"sku":"TEA","delete":true}',
    '{"sku":"TEA","name":"Tea","price":1}'
  ].join('\n')
  for (const [round, contentType] of [
    'application/x-ndjson',
    'application/ndjson; charset=utf-8',
    'Application/JSONL'
  ].entries()) {
    const answer = await bulk(here, key, body.replaceAll('TEA', `TEA${round}`), { 'content-type': contentType })
    t.equal(answer.status, 200)
    t.match(answer.headers['content-type'], /^application\/x-ndjson/)
    const sku = `TEA${round}`
    const [first] = answer.results
    t.match(answer.results, [
      { line: 1, sku, status: 'created', id: /^[0-9a-f-]{36}$/ },
      { line: 3, sku, status: 'updated', id: first?.id },
      { line: 4, sku, status: 'unchanged', id: first?.id },
      {
        line: 6,
        sku: 'NEW',
        status: 'refused',
        code: 'validation-failed',
        errors: [{ pointer: '#/name', detail: 'is required' }]
      },
      { line: 7, sku, status: 'deleted', id: first?.id },
      { line: 8, sku, status: 'absent' },
      { line: 9, sku, status: 'created' }
    ])
    t.same(answer.end, {
      summary: { lines: 7, created: 2, updated: 1, unchanged: 1, deleted: 1, absent: 1, refused: 1 },
      isComplete: true
    })
    t.equal(answer.problem, undefined)
  }
  t.match(await rowsLike('TEA_'), [{ name: 'Tea', price: '1.00', stock: 0, version: 1 }, {}, {}])
})

t.test(
  'a line that a single write would refuse is refused with the same pointers, and stops nothing else',
  async (t) => {
    const lines = badMembers.map(([member]) => {
      const rest = ['"sku":"BAD"', '"name":"Tea"', '"price":1'].filter(
        (other) => !member.startsWith(other.split(':')[0] ?? '')
      )
      return `{${[...rest, member].join()}}`
    })
    const body = lines.flatMap((line, at) => [line, JSON.stringify(product(at, { sku: `GOOD${at}` }))]).join('\n')
    const { results, end } = await bulk(here, key, body)
    t.equal(results.length, 2 * lines.length)
    for (const [at, [member, pointer]] of badMembers.entries()) {
      const [bad, good] = [results[2 * at], results[2 * at + 1]]
      t.match(bad, { line: 2 * at + 1, status: 'refused', code: 'validation-failed' }, member.slice(0, 80))
      t.same([...new Set(bad?.errors?.map((error) => error.pointer))], [pointer], member.slice(0, 80))
      t.equal(bad?.sku, pointer === '#/sku' ? null : 'BAD')
      t.match(good, { line: 2 * at + 2, status: 'created' })
    }
    t.match(end, { summary: { refused: lines.length, created: lines.length }, isComplete: true })
    t.same(await rowsLike('BAD'), [])
  }
)

t.test('lines that are not products are refused', async (t) => {
  const deep = (depth: number) => `{"sku":"BAD","name":${'['.repeat(depth)}${']'.repeat(depth)},"price":1}`
  const malformed = ['{', '{"sku":"BAD",}', "{'sku':'BAD'}", '{"sku":"BAD"} x', '{"price":NaN}', 'null x', deep(60_000)]
  const wrong: [line: string, pointer: string][] = [
    ...['[]', '[{"sku":"BAD"}]', '"BAD"', '5', 'null', 'true'].map((line): [string, string] => [line, '#']),
    ['{}', '#/sku'],
    ['{"name":"Tea","price":1}', '#/sku'],
    ['{"sku":null,"name":"Tea","price":1}', '#/sku'],
    ['{"sku":"BAD","delete":false}', '#/delete'],
    ['{"sku":"BAD","delete":"true"}', '#/delete'],
    ['{"sku":"BAD","delete":true,"name":"Tea"}', '#/name'],
    ['{"delete":true}', '#/sku'],
    ['{"sku":"é","delete":true}', '#/sku'],
    [deep(50), '#/name']
  ]
  const latin = Buffer.from('{"sku":"BAD","name":"Caf\xe9","price":1}\n', 'latin1')
  const long = `{"sku":"BAD","name":"${'x'.repeat(200_000)}"}\n`
  const text = [...malformed, ...wrong.map(([line]) => line)].join('\n')
  const { results, end } = await bulk(here, key, Buffer.concat([latin, Buffer.from(long + text)]))
  t.match(results[0], { line: 1, sku: null, status: 'refused', code: 'malformed-json' })
  t.match(results[1], { line: 2, sku: null, status: 'refused', code: 'payload-too-large' })
  for (const [at, line] of malformed.entries())
    t.match(results[2 + at], { status: 'refused', code: 'malformed-json', detail: /JSON/ }, line.slice(0, 40))
  for (const [at, [line, pointer]] of wrong.entries())
    t.match(
      results[2 + malformed.length + at],
      { status: 'refused', code: 'validation-failed', errors: [{ pointer }] },
      line.slice(0, 40)
    )
  t.match(end, { summary: { refused: results.length, lines: results.length }, isComplete: true })
})

t.test('a body can be empty', async (t) => {
  const summary = { lines: 0, created: 0, updated: 0, unchanged: 0, deleted: 0, absent: 0, refused: 0 }
  for (const body of ['', '\n', '\r\n \n\n']) {
    const answer = await bulk(here, key, body)
    t.match(answer, { status: 200, results: [], end: { summary, isComplete: true } }, JSON.stringify(body))
  }
  const none = await exchange(`${here}${BULK}`, { 'x-api-key': key }, 'POST')
  t.same(JSON.parse(none.body.toString()), { summary, isComplete: true })
})

t.test('other content types and keys without the scope are refused', async (t) => {
  const body = toNdjson([product(1, { sku: 'NOBODY' })])
  for (const headers of [
    { 'content-type': 'application/json' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-ndjson; charset=utf-16' },
    { 'content-encoding': 'gzip' }
  ]) {
    t.match(await bulk(here, key, body, headers), { status: 415, problem: { code: 'unsupported-media-type' } })
  }
  const { key: reader } = await makeKey(connection)
  t.match(await bulk(here, reader, body), { status: 403, problem: { code: 'forbidden' } })
  t.match(await bulk(here, 'nobody', body), { status: 401 })
  t.match(await exchange(`${here}${BULK}`, {}, 'GET'), { status: 400 }, 'there is nothing to read')
  const query = await exchange(`${here}${BULK}?dryRun=true`, { 'x-api-key': key }, 'POST')
  t.match(JSON.parse(query.body.toString()), { status: 400, errors: [{ parameter: 'dryRun' }] })
  t.same(await rowsLike('NOBODY'), [])
})

t.test('results arrive while the body is being sent, and are visible on every instance', async (t) => {
  const started = startBulk(here, key)
  for (let round = 0; round < 3; round++) {
    started.send(
      ...Array.from({ length: 500 }, (_, at) => product(at, { sku: `DUPLEX${at}`, stock: round, category: 'Duplex' }))
    )
    await started.arrived(500 * (round + 1))
    const id = started.results.at(-1)?.id
    const { body } = await exchange(`${here}/api/v1/products/${id}`)
    t.match(JSON.parse(body.toString()), { sku: 'DUPLEX499', stock: round }, 'at once on the instance that wrote it')
    const list = await exchange(`${here}/api/v1/products?category=Duplex&limit=1`, { 'x-api-key': key })
    t.match(JSON.parse(list.body.toString()).data, [{ stock: round }], 'in lists too, for the client that wrote it')
    await waitFor('elsewhere soon', async () => {
      const { body } = await exchange(`${there}/api/v1/products/${id}`)
      return JSON.parse(body.toString()).stock === round
    })
  }
  const { end } = await started.finish()
  t.match(end, { summary: { created: 500, updated: 1000 }, isComplete: true })
})

t.test('a client can use Expect: 100-continue, and reuse the connection', async (t) => {
  const started = startBulk(here, key, { expect: '100-continue' })
  started.request.flushHeaders()
  await once(started.request, 'continue')
  started.send(product(1, { sku: 'EXPECT' }))
  t.match(await started.finish(), { status: 200, end: { isComplete: true }, headers: { connection: 'keep-alive' } })
})

t.test('a client that reads only after sending everything gets all results', async (t) => {
  // More results than all buffers between the two hold. Such lines are cheap.
  const lines = 150_000
  const head = `POST ${BULK} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n`
  const socket = connect({ port: Number(new URL(here).port), host: '127.0.0.1' }).pause()
  const body = `${'{}\n'.repeat(lines)}${JSON.stringify(product(1, { sku: 'LAST' }))}`
  socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
  await waitFor('all of it is taken', () => socket.writableLength === 0)
  await waitFor('all of it is done', async () => (await rowsLike('LAST')).length === 1)
  t.ok(socket.bytesRead < 10_000_000)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  await once(socket.resume(), 'close')
  text = text.replaceAll(/\r\n[0-9a-f]+\r\n/g, '')
  t.equal(text.match(/"status":"refused"/g)?.length, lines)
  t.ok(text.length > 15_000_000, `${text.length} bytes`)
  t.match(text.slice(-500), /"line":150001,"sku":"LAST","status":"created"/)
  t.match(text.slice(-500), /"isComplete":true/)
})

t.test('when a connection is cut, each batch is written as a whole or not at all', async (t) => {
  for (const length of ['chunked', 'counted']) {
    const prefix = `CUT-${length}-`
    const lines = Array.from({ length: 1300 }, (_, at) => product(at, { sku: `${prefix}${at}` }))
    const started = startBulk(here, key, length === 'counted' ? { 'content-length': '1000000' } : {})
    started.send(...lines)
    await started.arrived(1000)
    started.request.destroy()
    await waitFor('the bulk is over', async () => (await running(here)) === 0)
    t.equal((await rowsLike(`${prefix}%`)).length, 1000)
    const again = await bulk(here, key, toNdjson(lines))
    t.match(again.end, { summary: { unchanged: 1000, created: 300 }, isComplete: true }, 'a re-run does the rest')
  }
})

t.test('bulks on two instances with the same products all succeed', async (t) => {
  const skus = Array.from({ length: 600 }, (_, at) => at)
  const bodies = [here, there, here, there].map((_url, writer) => {
    const order = writer % 2 === 0 ? skus : skus.toReversed()
    return order.map((at) =>
      at % 10 === writer ? { sku: `MEET${at}`, delete: true } : product(at, { sku: `MEET${at}`, stock: writer })
    )
  })
  const answers = await Promise.all(bodies.map((lines, at) => bulk(at % 2 === 0 ? here : there, key, toNdjson(lines))))
  for (const { results, end } of answers) {
    t.same(
      results.map(({ line }) => line),
      skus.map((at) => at + 1)
    )
    t.match(end, { summary: { lines: 600, refused: 0 }, isComplete: true })
  }
  const statuses = answers.flatMap(({ results }) => results)
  const rows = await rowsLike('MEET%')
  for (const at of skus) {
    const mine = statuses.filter(({ sku }) => sku === `MEET${at}`).map(({ status }) => status)
    const made = mine.filter((status) => status === 'created').length
    const deleted = mine.filter((status) => status === 'deleted').length
    t.equal(made - deleted, rows.filter(({ sku }) => sku === `MEET${at}`).length)
  }
})

t.test('bulks above the limit are refused', async (t) => {
  const { key: otherKey } = await makeKey(connection, { scopes: ['products:write'] })
  const few = await Promise.all(
    Array.from({ length: 4 }, async (_, at) => {
      const started = startBulk(there, at % 2 === 0 ? key : otherKey)
      started.send(...Array.from({ length: 500 }, () => product(at, { sku: `FEW${at}` })))
      await started.arrived(500)
      return started
    })
  )
  t.equal(await running(there), 4)
  const refused = await bulk(there, key, toNdjson([product(1)]))
  t.match(refused, { status: 503, problem: { code: 'overloaded' }, headers: { 'retry-after': /^[1-9]/ } })
  for (const started of few) t.match((await started.finish()).end, { isComplete: true })
  await waitFor('they are over', async () => (await running(there)) === 0)
  t.match(await bulk(there, key, toNdjson([product(1)])), { status: 200, end: { isComplete: true } })
})

async function running(url: string): Promise<number> {
  const { body } = await exchange(`${url}/metrics`)
  return Number(/^aisle_bulk_running (\d+)$/m.exec(body.toString())?.[1])
}

t.test('lines are counted by their result', async (t) => {
  const { body } = await exchange(`${here}/metrics`)
  for (const status of ['created', 'updated', 'unchanged', 'deleted', 'absent', 'refused'])
    t.match(body.toString(), new RegExp(`^aisle_bulk_lines_total\\{status="${status}"\\} [1-9]`, 'm'), status)
})
