import type { RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { openRejectionTallies } from '../../../src/integrations/webhooks/receive/rejection-tallies.ts'
import type { Database } from '../../../src/platform/database/database.ts'
import { deliver, eventOf, SECRET } from '../../support/deliver-webhook.ts'
import { listen } from '../../support/exchange.ts'
import { testApp } from '../../support/test-app.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'

interface Row extends RowDataPacket {
  reason: string
  rejections: number
  samples: string
}

const WRITE_DELAY_MS = 5000
const REJECTION = {
  requestId: 'r1',
  address: '127.0.0.1',
  userAgent: 'x'.repeat(10_000),
  contentLength: undefined,
  detail: 'It is wrong.'
}

async function prepare(t: Test) {
  const config = await testConfig(t, { WEBHOOK_SECRET: SECRET })
  const connection = await testConnection(t, config)
  const app = await testApp(t, config)
  /** Reads the counts by reason, of all hours, as an hour may end during the test. */
  async function read() {
    const [rows] = await connection.query<Row[]>('SELECT reason, rejections, samples FROM webhook_rejections')
    const counts: Record<string, number> = {}
    for (const { reason, rejections } of rows) counts[reason] = (counts[reason] ?? 0) + Number(rejections)
    return { rows, counts }
  }
  return { app, connection, read }
}

/** Opens tallies in virtual time. */
function open(database: Pick<Database, 'execute'>) {
  const failures: Error[] = []
  const time = createVirtualTime()
  let written = Promise.withResolvers<void>()
  const tallies = openRejectionTallies({
    database,
    nowMs: Date.now,
    onFailure(error) {
      failures.push(error)
      written.resolve()
    },
    onSuccess: () => written.resolve(),
    startTimeout: time.startTimeout
  })
  return {
    ...tallies,
    failures,
    isScheduled: () => time.timers > 0,
    /** Lets the delay before a write pass, and waits for the write. */
    async write() {
      written = Promise.withResolvers()
      await time.advance(WRITE_DELAY_MS)
      await written.promise
    }
  }
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

t.test('counting goes on while the database does not answer; instances add up', async (t) => {
  const { app, connection, read } = await prepare(t)
  const [one, other] = [open(app.database), open(app.database)]
  await connection.query('RENAME TABLE webhook_rejections TO hidden')
  for (let count = 0; count < 7; count++) one.note('lost', REJECTION)
  for (let count = 0; count < 2; count++) await one.write()
  t.equal(one.failures.length, 2)
  for (let count = 0; count < 3; count++) one.note('lost', REJECTION)
  await connection.query('RENAME TABLE hidden TO webhook_rejections')
  await one.write()
  t.same((await read()).counts, { lost: 10 })
  other.note('lost', REJECTION)
  other.note('found', REJECTION)
  await Promise.all([one.close(), other.close()])
  const { counts, rows } = await read()
  t.same(counts, { lost: 11, found: 1 })
  t.ok(
    rows.every(({ samples }) => samples.length < 2000),
    'long texts are cut'
  )
})

t.test('what is noted during a write is written by the next one', async (t) => {
  const { app, read } = await prepare(t)
  let writes = 0
  const tallies = open({
    execute(sql, params) {
      if (writes++ === 0) tallies.note('late', REJECTION)
      return app.database.execute(sql, params)
    }
  })
  tallies.note('late', REJECTION)
  await tallies.write()
  t.same((await read()).counts, { late: 1 })
  await tallies.write()
  t.same((await read()).counts, { late: 2 })
  t.notOk(tallies.isScheduled(), 'nothing is left to write')
  await tallies.close()
  t.equal(writes, 2)
})

t.test('closing does not wait for a database that is down', async (t) => {
  const { app, connection } = await prepare(t)
  await connection.query('DROP TABLE webhook_rejections')
  const tallies = open(app.database)
  tallies.note('lost', REJECTION)
  await tallies.close()
  t.match(tallies.failures, [{ code: 'database-unavailable' }])
  t.notOk(tallies.isScheduled())
})
