import { connect } from 'node:net'
import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { BULK, bulk, product, startBulk, toNdjson } from '../../support/bulk-client.ts'
import { exchange, listen } from '../../support/exchange.ts'
import { makeKey } from '../../support/make-key.ts'
import { proxied } from '../../support/proxied.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'

// Most of the time they wait.
t.jobs = 6

const config = await testConfig(t)
const connection = await testConnection(t, config)
const { key } = await makeKey(connection, { scopes: ['products:write'] })
const batch = (prefix: string, from = 0, count = 500) =>
  Array.from({ length: count }, (_, at) => product(from + at, { sku: `${prefix}${from + at}` }))

async function countLike(prefix: string, condition = 'TRUE'): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS n FROM products WHERE sku LIKE ? AND ${condition}`,
    [`${prefix}%`]
  )
  return row?.n
}

/** An instance whose database can be taken away. */
async function fragile(t: Test) {
  const { config: behind, mysql } = await proxied(t, config)
  const app = await testApp(t, behind)
  const url = await listen(app)
  // From now on the key is known.
  await exchange(`${url}/api/v1/products/changes`, { 'x-api-key': key })
  return { app, url, mysql }
}

t.test('the last lines report a database that goes down in the middle', { buffered: true }, async (t) => {
  const { url, mysql } = await fragile(t)
  const started = startBulk(url, key)
  started.send(...batch('AWAY'))
  await started.arrived(500)
  await mysql.refuse()
  started.send(...batch('AWAY', 500, 700))
  const answer = await started.answer
  t.match(answer, {
    status: 200,
    isCut: false,
    problem: {
      status: 503,
      code: 'database-unavailable',
      instance: BULK,
      requestId: answer.headers['x-request-id'] ?? '?'
    },
    end: { summary: { lines: 500, created: 500 }, isComplete: false }
  })
  t.equal(await countLike('AWAY'), 500)
  started.request.end()
  mysql.pass()
  await waitFor('it is back', async () => {
    const again = await bulk(url, key, toNdjson(batch('AWAY', 0, 1200)))
    return again.end?.isComplete === true
  })
  t.equal(await countLike('AWAY'), 1200)
})

t.test('an outage before the first result is an ordinary problem response', { buffered: true }, async (t) => {
  const { url, mysql } = await fragile(t)
  await mysql.refuse()
  t.match(await bulk(url, key, toNdjson(batch('NEVER'))), {
    status: 503,
    problem: { code: 'database-unavailable' },
    headers: { 'retry-after': '1', 'content-type': /^application\/problem\+json/ }
  })
})

t.test('a short outage goes unnoticed', { buffered: true }, async (t) => {
  const { url, mysql } = await fragile(t)
  const started = startBulk(url, key)
  started.send(...batch('SOON'))
  await started.arrived(500)
  let attempts = 0
  mysql.cutAt(() => {
    attempts++
    return true
  })
  started.send(...batch('SOON', 500))
  await waitFor('an attempt has failed', () => attempts > 0)
  mysql.pass()
  const { end } = await started.finish()
  t.match(end, { summary: { lines: 1000, created: 1000 }, isComplete: true })
  t.equal(await countLike('SOON'), 1000)
})

t.test('a commit whose response is lost is not done twice', { buffered: true }, async (t) => {
  const { url, mysql } = await fragile(t)
  const started = startBulk(url, key)
  started.send(...batch('HEARD'))
  await started.arrived(500)
  mysql.muteAt((chunk) => chunk.toString('latin1', 5) === 'COMMIT')
  started.send(...batch('HEARD', 500))
  await waitFor('it is committed', async () => (await countLike('HEARD')) === 1000)
  mysql.pass()
  mysql.disconnect()
  const { end } = await started.finish()
  t.equal(end?.isComplete, true)
  t.equal(await countLike('HEARD'), 1000)
  t.equal(await countLike('HEARD', 'version = 1'), 1000, 'none was written twice')
})

t.test('a service that stops ends bulks between two batches, and reports it', { buffered: true }, async (t) => {
  const app = await testApp(t, config)
  const url = await listen(app)
  const started = startBulk(url, key)
  started.send(...batch('STOP'), ...batch('STOP', 500, 100))
  await started.arrived(500)
  app.lifecycle.beginDraining()
  t.match(await started.answer, {
    status: 200,
    problem: { code: 'shutting-down' },
    end: { summary: { lines: 500, created: 500 }, isComplete: false }
  })
  t.equal(await countLike('STOP'), 500)
  t.match(await bulk(url, key, toNdjson(batch('STOP'))), {
    status: 503,
    problem: { code: 'shutting-down' },
    headers: { 'retry-after': /^\d+$/ }
  })
  started.request.end()
})

t.test('a client that keeps sending can read the end, and is then disconnected', { buffered: true }, async (t) => {
  const app = await testApp(t, config)
  const url = await listen(app)
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' })
  let text = ''
  socket.on('error', () => {})
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  socket.write(
    `POST ${BULK} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000000000\r\n\r\n`
  )
  socket.write(toNdjson(batch('ON')))
  await waitFor('there are results', () => text.includes('"line":500'))
  const sending = setInterval(() => socket.write(toNdjson(batch('ON', 500, 10))), 20)
  t.teardown(() => clearInterval(sending))
  app.lifecycle.beginDraining()
  await waitFor('the end is there', () => text.endsWith('0\r\n\r\n'))
  t.match(text, /"code":"shutting-down"/)
  t.match(text, /"isComplete":false/)
  await waitFor('it is hung up on', () => socket.destroyed)
})
