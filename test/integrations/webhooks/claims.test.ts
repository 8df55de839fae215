import { randomBytes } from 'node:crypto'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { applyEvents } from '../../../src/integrations/webhooks/process/apply-events.ts'
import {
  type ClaimedEvent,
  claimEvents,
  type EventLease
} from '../../../src/integrations/webhooks/process/claim-events.ts'
import {
  failAttempt,
  failExpiredLeases,
  LeaseLostError,
  MAX_EVENT_ATTEMPTS
} from '../../../src/integrations/webhooks/process/settle-events.ts'
import type { Database } from '../../../src/platform/database/database.ts'
import { inTransaction } from '../../../src/platform/database/transaction.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type EventFixture, inbox, insertEvents, letTimePass } from '../../support/webhook-inbox.ts'
import { workerDatabase } from '../../support/webhook-worker.ts'

const LEASE_MS = 30_000
const sources = { nowMs: Date.now, randomBytes }
const newLease = () => ({ token: randomBytes(16), leaseMs: LEASE_MS })

async function prepare(t: Test, events: readonly EventFixture[]) {
  const config = await testConfig(t)
  const connection = await testConnection(t, config)
  await insertEvents(connection, events)
  return { config, connection, database: workerDatabase(t, config) }
}

function created(count: number): EventFixture[] {
  return Array.from({ length: count }, (_, number) => ({
    id: `e${number}`,
    type: 'product.created',
    data: { sku: `S${number}`, name: 'Tea', price: 1 }
  }))
}

interface Claim {
  lease: EventLease
  events: readonly ClaimedEvent[]
}

async function claim(database: Database, maxEvents = 100): Promise<Claim> {
  const lease = newLease()
  return { lease, events: await claimEvents(database, lease, maxEvents) }
}

const idsOf = (events: readonly ClaimedEvent[]) => events.map(({ eventId }) => eventId)
const claimIds = async (database: Database, maxEvents?: number) => idsOf((await claim(database, maxEvents)).events)
const apply = (database: Database, { lease, events }: Claim) => applyEvents(database, events, lease, sources)

/** Runs a claim that waits before its commit until `commit` is called. */
function slowClaim(connection: Connection, maxEvents: number) {
  const { promise: mayCommit, resolve: commit } = Promise.withResolvers<void>()
  const { promise: isReady, resolve: ready } = Promise.withResolvers<void>()
  const slow: Pick<Database, 'transaction'> = {
    transaction: (work) =>
      inTransaction(connection, async (connection) => {
        const result = await work(connection)
        ready()
        await mayCommit
        return result
      })
  }
  const claimed = claimEvents(slow as Database, newLease(), maxEvents)
  return { isReady, commit, claimed }
}

t.test('a failed event waits for a random part of a delay that grows', async (t) => {
  const { connection, database } = await prepare(t, created(1))
  const waits: number[] = []
  for (let attempt = 1; attempt < MAX_EVENT_ATTEMPTS; attempt++) {
    const lease = newLease()
    const events = await claimEvents(database, lease, 1)
    t.match(events, [{ attempts: attempt }])
    await failAttempt(database, { id: events[0]?.id ?? 0, attempts: attempt, reason: 'x' }, lease, () => 0.5)
    const [[row]] = await connection.query<RowDataPacket[]>(
      'SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), next_attempt_at) / 1000 AS waitMs FROM webhook_events'
    )
    waits.push(Number(row?.waitMs))
    await connection.query('UPDATE webhook_events SET next_attempt_at = UTC_TIMESTAMP(3)')
  }
  // Some of the delay has passed by the time it is read.
  const halves = [500, 2500, 15_000, 60_000, 300_000, 1_800_000, 10_800_000]
  t.equal(waits.length, halves.length)
  for (const [place, half] of halves.entries()) {
    const waitMs = waits[place] ?? 0
    t.ok(waitMs <= half && waitMs > half - 10_000, `${waitMs} of ${half}`)
    if (half > 10_000) t.ok(waitMs > half / 3, `${waitMs} of ${half}`)
  }
})

t.test('a claim in progress blocks neither other claims nor new events', async (t) => {
  for (const [what, events, first, second] of [
    ['many are due', 5, ['e0', 'e1'], ['e2', 'e3', 'e4', 'new']],
    ['it takes the last ones', 2, ['e0', 'e1'], ['new']],
    ['none is due', 0, [], ['new']]
  ] as const) {
    await t.test(what, async (t) => {
      const { config, connection, database } = await prepare(t, created(events))
      const { isReady, commit, claimed } = slowClaim(await testConnection(t, config), 2)
      await isReady
      await connection.query('SET SESSION innodb_lock_wait_timeout = 1')
      const [event] = created(1)
      if (event) await insertEvents(connection, [{ ...event, id: 'new' }])
      t.same(await claimIds(database), second)
      commit()
      t.same(idsOf(await claimed), first)
    })
  }
})

t.test('a claim reads an index in its order, and locks no more rows than it takes', async (t) => {
  const { config, connection } = await prepare(t, created(300))
  const own = await testConnection(t, config)
  const read = async () => {
    const [rows] = await own.query<RowDataPacket[]>(
      `SHOW SESSION STATUS WHERE Variable_name IN ('Sort_scan', 'Sort_range', 'Handler_read_next')`
    )
    return Object.fromEntries(rows.map(({ Variable_name, Value }) => [Variable_name, Number(Value)]))
  }
  const before = await read()
  const { isReady, commit, claimed } = slowClaim(own, 10)
  await isReady
  const after = await read()
  commit()
  await claimed
  t.equal(after.Sort_scan, before.Sort_scan)
  t.equal(after.Sort_range, before.Sort_range)
  t.ok((after.Handler_read_next ?? 0) - (before.Handler_read_next ?? 0) < 100, 'and reads no more')
  t.ok((await inbox(connection)).filter(({ status }) => status === 'processing').length === 10)
})

t.test('events on their first attempt are claimed together, others alone', async (t) => {
  const { connection, database } = await prepare(t, created(4))
  await connection.query(`UPDATE webhook_events SET attempts = 1 WHERE event_id IN ('e1', 'e3')`)
  t.same(await claimIds(database), ['e0', 'e2'])
  t.same(await claimIds(database), ['e1'])
  t.same(await claimIds(database), ['e3'])
  t.same(await claimIds(database), [])
})

t.test('the bytes of a claim are limited', async (t) => {
  const text = 'x'.repeat(900_000)
  const { database } = await prepare(
    t,
    created(6).map((event) => ({ ...event, data: { ...event.data, text } }))
  )
  t.same(await claimIds(database), ['e0', 'e1', 'e2', 'e3'])
  t.same(await claimIds(database), ['e4', 'e5'])
})

t.test('a worker whose lease has expired leaves no effect', async (t) => {
  const { config, connection, database } = await prepare(t, created(2))
  const late = await claim(database)
  await letTimePass(connection)
  t.equal(await failExpiredLeases(database, LEASE_MS, () => 0), 2)
  await letTimePass(connection)
  const other = workerDatabase(t, config)
  // Alone, as it has been tried before.
  await apply(other, await claim(other))
  await t.rejects(apply(database, late), LeaseLostError)
  await t.rejects(
    failAttempt(database, { id: 1, attempts: 1, reason: 'late' }, newLease(), () => 0),
    LeaseLostError
  )
  const [rows] = await connection.query<RowDataPacket[]>('SELECT sku, version FROM products')
  t.same(
    rows.map((row) => ({ ...row })),
    [{ sku: 'S0', version: 1 }],
    'only the effect of the other worker is there'
  )
  t.match(await inbox(connection), [
    { status: 'done', attempts: 2 },
    { status: 'pending', attempts: 1 }
  ])
})

t.test('of two workers with the same event, only the one with the current lease has an effect', async (t) => {
  const { config, connection, database } = await prepare(t, created(1))
  const late = await claim(database)
  await letTimePass(connection)
  const other = workerDatabase(t, config)
  await failExpiredLeases(other, LEASE_MS, () => 0)
  await letTimePass(connection)
  const results = await Promise.allSettled([
    apply(database, late),
    claim(other).then((claimed) => apply(other, claimed))
  ])
  t.same(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled']
  )
})

t.test('an event that crashes every worker ends as dead, and others are processed', async (t) => {
  const { connection, database } = await prepare(t, created(3))
  await claim(database, 2)
  for (let death = 1; death <= MAX_EVENT_ATTEMPTS; death++) {
    await letTimePass(connection)
    await failExpiredLeases(database, LEASE_MS, Math.random)
    await letTimePass(connection)
    for (;;) {
      const claimed = await claim(database)
      if (claimed.events.length === 0) break
      if (!idsOf(claimed.events).includes('e0')) await apply(database, claimed)
    }
  }
  t.match(await inbox(connection), [
    { status: 'dead', attempts: MAX_EVENT_ATTEMPTS, last_error: 'The worker ended, or took too long.' },
    { status: 'done', attempts: 2 },
    { status: 'done', attempts: 1 }
  ])
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT attempt FROM webhook_attempts JOIN webhook_events ON webhook_events.id = webhook_event_id
     WHERE event_id = 'e0' ORDER BY attempt`
  )
  t.same(
    rows.map(({ attempt }) => attempt),
    [1, 2, 3, 4, 5, 6, 7, 8]
  )
})

t.test('a transaction that loses its connection before the commit leaves its events to the next attempt', async (t) => {
  const { config, connection, database } = await prepare(t, created(3))
  const claimed = await claim(database)
  // The update of this row comes after the products are written.
  const holder = await testConnection(t, config)
  await holder.beginTransaction()
  await holder.query('SELECT id FROM webhook_events WHERE id = 3 FOR UPDATE')
  const applied = apply(database, claimed).then(
    () => 'applied',
    () => 'cut'
  )
  await waitFor('the transaction waits for the lock', async () => {
    const [rows] = await connection.query<RowDataPacket[]>('SHOW PROCESSLIST')
    const own = rows.find(({ db, Info }) => db === config.mysql.database && /^UPDATE webhook_events/.test(Info))
    if (own) await connection.query(`KILL ${own.Id}`)
    return own !== undefined
  })
  t.equal(await applied, 'cut')
  await holder.rollback()
  const [products] = await connection.query<RowDataPacket[]>('SELECT sku FROM products')
  t.same(products, [])
  await letTimePass(connection)
  await failExpiredLeases(database, LEASE_MS, () => 0)
  await letTimePass(connection)
  for (let done = 0; done < 3; done++) await apply(database, await claim(database))
  t.ok((await inbox(connection)).every(({ status }) => status === 'done'))
})
