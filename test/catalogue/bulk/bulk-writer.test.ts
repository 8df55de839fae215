import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { type BulkRequest, type BulkWriter, createBulkWriter } from '../../../src/catalogue/bulk/bulk-writer.ts'
import type { Database } from '../../../src/platform/database/database.ts'
import { AppError } from '../../../src/platform/errors/app-error.ts'
import { product, toNdjson } from '../../support/bulk-client.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

const config = await testConfig(t)
const connection = await testConnection(t, config)
const app = await testApp(t, config)

function prepare(t: Test, overrides: Partial<Parameters<typeof createBulkWriter>[0]> = {}) {
  const committed: string[][] = []
  const unexpected: AppError[] = []
  const onCommitted = async (ids: string[]) => void committed.push(ids)
  const writer = createBulkWriter({
    database: app.database,
    folder: t.testdir(),
    nowMs: Date.now,
    randomBytes,
    onResults() {},
    onUnexpected: (error) => unexpected.push(error),
    ...overrides
  })
  const body = new PassThrough()
  const client = new AbortController()
  const request: BulkRequest = {
    id: 'request-1',
    url: '/bulk?x',
    client: 'client-1',
    body,
    signal: client.signal,
    onCommitted
  }
  return { writer, body, client, request, committed, unexpected }
}

const untilOver = (writer: BulkWriter) => waitFor('it is over', () => writer.running === 0)

const lines = (output: string) =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const batch = (prefix: string) =>
  toNdjson(Array.from({ length: 500 }, (_, at) => product(at, { sku: `${prefix}${at}` })))

t.test('a client that stops sending gets an error, and loses its incomplete batch', async (t) => {
  const { writer, body, request } = prepare(t, { idleMs: 100 })
  body.write(batch('SILENT') + batch('SILENT-2').slice(0, 5000))
  const [problem, end] = lines(await text(await writer.start(request))).slice(-2)
  t.match(problem, { problem: { code: 'request-timeout', status: 408, instance: '/bulk', requestId: 'request-1' } })
  t.match(end, { summary: { lines: 500, created: 500 }, isComplete: false })
  await untilOver(writer)
})

t.test('a client that sends nothing is refused', async (t) => {
  const { writer, request } = prepare(t, { idleMs: 20 })
  await t.rejects(writer.start(request), { code: 'request-timeout' })
  await untilOver(writer)
})

t.test('changed products are reported at once, unchanged ones are not', async (t) => {
  const { writer, body, request, committed } = prepare(t)
  body.end(toNdjson([product(1), product(2), product(1), { sku: 'S2', delete: true }, { sku: 'S3', delete: true }]))
  const results = lines(await text(await writer.start(request)))
  const [one, two] = results.map(({ id }) => id?.replaceAll('-', ''))
  t.same(committed, [[one, two, two]])
  const again = prepare(t)
  again.body.end(toNdjson([product(1)]))
  await text(await again.writer.start(again.request))
  t.same(again.committed, [])
})

t.test('an unexpected error is reported to the operator, and its reason is hidden from the client', async (t) => {
  let calls = 0
  const database: Pick<Database, 'transaction'> = {
    transaction(work) {
      calls++
      if (calls > 1) throw new Error('a secret')
      return app.database.transaction(work)
    }
  }
  const { writer, body, request, unexpected } = prepare(t, { database: { ...app.database, ...database } })
  body.end(batch('FAULT') + batch('FAULT'))
  const output = await text(await writer.start(request))
  t.match(lines(output).slice(-2), [{ problem: { code: 'internal-error' } }, { isComplete: false }])
  t.notMatch(output, /secret/)
  t.equal(unexpected.length, 1)
})

t.test('after a client has disconnected, no further batch is written', async (t) => {
  const { writer, body, request, client, unexpected } = prepare(t)
  body.write(batch('GONE'))
  const output = await writer.start(request)
  output.destroy()
  client.abort(new AppError('malformed-request', 'gone'))
  body.write(batch('GONE-2'))
  await untilOver(writer)
  const [rows] = await connection.query("SELECT sku FROM products WHERE sku LIKE 'GONE-2%'")
  t.same(rows, [])
  t.same(unexpected, [])
  t.notOk(body.destroyed, 'the body, and with it the connection, is left to its owner')
})

t.test('a bulk with unread results counts as running, and one client cannot take all places', async (t) => {
  const { writer, request } = prepare(t)
  const start = (client: string) => {
    const body = new PassThrough()
    body.end('{}\n'.repeat(20_000))
    return writer.start({ ...request, client, body })
  }
  const unread = [await start('one'), await start('one')]
  await t.rejects(start('one'), { code: 'overloaded' })
  unread.push(await start('two'), await start('two'))
  await t.rejects(start('three'), { code: 'overloaded' })
  for (const output of unread) output.destroy()
  await untilOver(writer)
  for await (const _ of await start('one'));
  await untilOver(writer)
})

t.test('a response is cut off when its results cannot be kept', async (t) => {
  const { writer, body, request, unexpected } = prepare(t, { folder: `${t.testdir()}/nowhere` })
  body.end('{}\n'.repeat(10_000))
  const output = await writer.start(request)
  await untilOver(writer)
  await t.rejects(text(output))
  t.match(unexpected, [{ code: 'internal-error' }])
})
