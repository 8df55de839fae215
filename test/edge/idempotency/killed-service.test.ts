import { randomUUID } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { startService, toEnvironment } from '../../support/service.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type Answer, PRODUCTS, writeClient } from '../../support/write-client.ts'

/** Where the service is killed: at a statement that waits for a lock on a table. */
const MOMENTS = [
  { what: 'before its effect', table: 'products', statement: 'SELECT%FOR UPDATE' },
  { what: 'in the middle of its effect', table: 'product_changes', statement: 'INSERT%' },
  { what: 'before its answer is stored', table: 'idempotency_keys', statement: 'INSERT%' },
  { what: 'after its commit', table: 'idempotency_keys', statement: 'INSERT%', isCommitted: true }
]

// Statements wait for their locks until the service is killed, however slow the machine is.
const config = await testConfig(t, { LOG_LEVEL: 'info', DB_QUERY_TIMEOUT_MS: '60000' })
const connection = await testConnection(t, config)
const lockers = [await testConnection(t, config), await testConnection(t, config)] as const
const environment = toEnvironment(config)

t.test(
  'a keyed POST, repeated until it is answered, creates one product, whenever its service is killed',
  async (t) => {
    let service = await startService(t, environment)
    const send = await writeClient(connection, '')

    for (const { what, table, statement, isCommitted } of MOMENTS) {
      const [sku, key] = [what, randomUUID()]
      const post = () =>
        send(
          'POST',
          PRODUCTS,
          { name: 'Tea', price: 5, sku },
          { url: service.url, headers: { 'idempotency-key': key } }
        )
      await lockers[0].query(`LOCK TABLES ${table} READ`)
      const lost = post().catch(() => undefined)
      await untilWaiting(statement)
      if (isCommitted) await letCommit()
      t.equal((await productsOf(sku)).length, isCommitted ? 1 : 0, what)
      service.signal('SIGKILL')
      await service.exit
      for (const locker of lockers) await locker.query('UNLOCK TABLES')
      const answered = await lost

      service = await startService(t, environment)
      const answer = await untilAnswered(post)
      t.equal(answer.status, 201, what)
      t.equal(answer.headers.get('idempotent-replayed'), isCommitted ? 'true' : null)
      t.same(await productsOf(sku), [answer.json.id], 'there is one product, and it is the one of the answer')
      if (answered !== undefined) t.equal(answer.text, answered.text)
      t.equal((await post()).text, answer.text)
    }
    const [changes] = await connection.query<RowDataPacket[]>('SELECT entries FROM product_changes')
    t.equal(changes.length, MOMENTS.length, 'one change was told of each')
  }
)

t.test('a DELETE whose service is killed happens once, completely or not at all', async (t) => {
  let service = await startService(t, environment)
  const send = await writeClient(connection, '')
  for (const [table, statement] of [
    ['products', 'SELECT%FOR UPDATE'],
    ['product_changes', 'INSERT%']
  ] as const) {
    const sku = `DELETED ${table}`
    const made = await send('POST', PRODUCTS, { name: 'Tea', price: 5, sku }, { url: service.url })
    const remove = () => send('DELETE', `${PRODUCTS}/${made.json.id}`, undefined, { url: service.url })
    await lockers[0].query(`LOCK TABLES ${table} READ`)
    const lost = remove().catch(() => undefined)
    await untilWaiting(statement)
    service.signal('SIGKILL')
    await service.exit
    await lockers[0].query('UNLOCK TABLES')
    t.equal(await lost, undefined, 'nobody was told that it is done')
    await waitFor('it is rolled back', async () => (await productsOf(sku)).length === 1)

    service = await startService(t, environment)
    t.equal((await remove()).status, 204, table)
    t.equal((await remove()).status, 404)
    t.same(await productsOf(sku), [])
  }
  const [changes] = await connection.query<RowDataPacket[]>(
    "SELECT 1 FROM product_changes WHERE entries LIKE '%DELETED%'"
  )
  t.equal(changes.length, 4, 'of each it is told that it was made, and that it was deleted')
})

/** Lets the service commit, and keeps it from answering: the answer waits for the change log, whose lock we queue for first. */
async function letCommit(): Promise<void> {
  const locked = lockers[1].query('LOCK TABLES product_changes WRITE')
  await untilWaiting('LOCK TABLES product_changes%')
  await lockers[0].query('UNLOCK TABLES')
  await locked
}

function untilWaiting(statement: string): Promise<boolean> {
  return waitFor(`it waits: ${statement}`, async () => {
    const [rows] = await connection.query<RowDataPacket[]>(
      "SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND STATE LIKE 'Waiting for table%' AND INFO LIKE ?",
      [statement]
    )
    return rows.length > 0
  })
}

async function productsOf(sku: string): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT LOWER(HEX(id)) AS hex FROM products WHERE sku = ?', [
    sku
  ])
  return rows.map(({ hex }) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
}

/** As a client does who has to know: again, with the same key, until it is answered. */
function untilAnswered(send: () => Promise<Answer>): Promise<Answer> {
  return waitFor('an answer', async () => {
    const answer = await send()
    return answer.json.code !== 'idempotency-key-in-use' && answer.status < 500 && answer
  })
}
