import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { createRejections } from '../../../src/integrations/webhooks/receive/rejections.ts'
import { listen } from '../../platform/http/support/exchange.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { deliver, eventOf, SECRET } from './support/deliver.ts'

interface Row extends RowDataPacket {
  reason: string
  rejections: number
  samples: string
}

async function prepare(t: Test) {
  const config = await testConfig(t, { WEBHOOK_SECRET: SECRET })
  const connection = await testConnection(t, config)
  const app = await testApp(t, config)
  /** By reason, as the hour may end meanwhile. */
  async function read() {
    const [rows] = await connection.query<Row[]>('SELECT reason, rejections, samples FROM webhook_rejections')
    const counts: Record<string, number> = {}
    for (const { reason, rejections } of rows) counts[reason] = (counts[reason] ?? 0) + Number(rejections)
    return { rows, counts }
  }
  return { app, connection, read }
}

t.test('a flood of unsigned deliveries leaves counts and a few samples', async (t) => {
  const { app, connection, read } = await prepare(t)
  const url = await listen(app)
  const body = JSON.stringify(eventOf({ id: 'in-the-body' }))
  for (let sent = 0; sent < 1000; sent += 100) {
    const receipts = await Promise.all(Array.from({ length: 100 }, () => deliver(url, body, {})))
    t.ok(receipts.every(({ httpStatus }) => httpStatus === 401))
  }
  await deliver(url, body, { 'x-webhook-signature': '00' })
  await app.close()
  const { rows, counts } = await read()
  t.same(counts, { 'signature-missing': 1000, 'signature-malformed': 1 })
  for (const { samples } of rows) {
    t.notMatch(samples, /in-the-body/)
    const [sample, ...others] = JSON.parse(samples)
    t.ok(others.length < 5)
    t.match(sample, { at: /Z$/, requestId: /./, address: '127.0.0.1', contentLength: String(body.length), detail: /./ })
  }
  const [[inbox]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS count FROM webhook_events')
  t.equal(inbox?.count, 0)
})

const rejection = {
  requestId: 'r1',
  address: '127.0.0.1',
  userAgent: 'x'.repeat(10_000),
  contentLength: undefined,
  detail: 'It is wrong.'
}

t.test('they are counted on while the database does not answer, and together with those of others', async (t) => {
  const { app, connection, read } = await prepare(t)
  let failures = 0
  const options = {
    database: app.database,
    writeDelayMs: 10,
    nowMs: Date.now,
    onFailure: () => {
      failures++
    },
    onSuccess: () => {}
  }
  const [one, other] = [createRejections(options), createRejections(options)]
  await connection.query('RENAME TABLE webhook_rejections TO hidden')
  for (let count = 0; count < 7; count++) one.note('lost', rejection)
  await waitFor('it has failed', 10_000, () => failures > 1)
  for (let count = 0; count < 3; count++) one.note('lost', rejection)
  await connection.query('RENAME TABLE hidden TO webhook_rejections')
  await waitFor('they are written', 10_000, async () => (await read()).counts.lost === 10)
  other.note('lost', rejection)
  other.note('found', rejection)
  await Promise.all([one.close(), other.close()])
  const { counts, rows } = await read()
  t.same(counts, { lost: 11, found: 1 })
  t.ok(rows.every(({ samples }) => samples.length < 2000))
})

t.test('what comes while they are written is written the next time', async (t) => {
  const { app, read } = await prepare(t)
  let writes = 0
  const rejections = createRejections({
    database: {
      execute(sql, params) {
        if (writes++ === 0) rejections.note('late', rejection)
        return app.database.execute(sql, params)
      }
    },
    writeDelayMs: 10,
    nowMs: Date.now,
    onFailure: (error) => t.fail(error.message),
    onSuccess: () => {}
  })
  rejections.note('late', rejection)
  await waitFor('both are written', 10_000, async () => (await read()).counts.late === 2)
  await rejections.close()
  t.equal(writes, 2)
})

t.test('closing does not wait for a database that is away', async (t) => {
  const { app, connection } = await prepare(t)
  await connection.query('DROP TABLE webhook_rejections')
  const failures: Error[] = []
  const rejections = createRejections({
    database: app.database,
    nowMs: Date.now,
    onFailure: (error) => failures.push(error),
    onSuccess: () => {}
  })
  rejections.note('lost', rejection)
  await rejections.close()
  t.match(failures, [{ code: 'database-unavailable' }])
})
