import { randomBytes } from 'node:crypto'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { claimEvents } from '../../../src/integrations/webhooks/process/claim-events.ts'
import { MAX_EVENT_ATTEMPTS } from '../../../src/integrations/webhooks/process/settle-events.ts'
import { testConfig, testConnection } from '../../support/test-config.ts'
import { waitFor } from '../../support/wait-for.ts'
import {
  type EventFixture,
  inbox,
  insertEvents,
  letTimePass,
  refuseName,
  statuses
} from '../../support/webhook-inbox.ts'
import { startWorker, workerDatabase } from '../../support/webhook-worker.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()

async function prepare(t: Test) {
  const config = await testConfig(t)
  return { config, connection: await testConnection(t, config) }
}

function created(id: string, sku: string, name = sku): EventFixture {
  return { id, type: 'product.created', occurredAt: at(1), data: { sku, name, price: '1.00' } }
}

async function products(connection: Connection): Promise<object[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT sku, name, price, stock FROM products ORDER BY sku')
  return rows.map((row) => ({ ...row }))
}

/** Waits until all events are finished. Returns their number by status. */
function untilDone(connection: Connection) {
  return waitFor('all events are finished', async () => {
    const { pending = 0, processing = 0, ...rest } = await statuses(connection)
    return pending + processing === 0 && rest
  })
}

t.test('events create, change and delete products in the order of occurredAt', async (t) => {
  const { config, connection } = await prepare(t)
  await insertEvents(connection, [
    { id: 'e1', type: 'product.price_changed', occurredAt: at(5), data: { sku: 'TEA', price: 2 } },
    { id: 'e2', type: 'product.stock_changed', occurredAt: at(4), data: { sku: 'TEA', stock: 7 } },
    created('e3', 'TEA', 'Tea'),
    { id: 'e4', type: 'product.price_changed', occurredAt: at(3), data: { sku: 'TEA', price: 9 } },
    { id: 'e5', type: 'product.updated', occurredAt: at(6), data: { sku: 'TEA', name: 'Assam', price: null } },
    created('e6', 'GONE'),
    { id: 'e7', type: 'product.deleted', occurredAt: at(2), data: { sku: 'GONE' } },
    { id: 'e8', type: 'product.deleted', occurredAt: '2099-01-01T00:00:00.000Z', data: { sku: 'TEA' } }
  ])
  startWorker(t, config)
  await untilDone(connection)
  t.same(await products(connection), [{ sku: 'TEA', name: 'Tea', price: '2.00', stock: 7 }])
  t.match(
    (await inbox(connection)).map(({ event_id, status, last_error }) => [event_id, status, last_error]),
    [
      ['e1', 'done', null],
      ['e2', 'done', null],
      ['e3', 'done', null],
      ['e4', 'stale', null],
      ['e5', 'dead', /^data\.price must be /],
      ['e6', 'done', null],
      ['e7', 'done', null],
      ['e8', 'dead', 'occurredAt is more than 5 minutes ahead.']
    ]
  )
})

/** Timers and a clock that stand still until the test moves them. */
function manualClock() {
  let now = 0
  const pausesMs: number[] = []
  let endPause: (() => void) | undefined
  let paused = Promise.withResolvers<void>()
  return {
    pausesMs,
    monotonicMs: () => now,
    startTimeout(expire: () => void, delayMs: number) {
      pausesMs.push(delayMs)
      endPause = expire
      paused.resolve()
      return () => {}
    },
    /** Waits until the worker pauses. */
    untilPaused: () => paused.promise,
    /** Lets time pass, which ends the pause, and waits for the next one. */
    async passTime(ms: number) {
      now += ms
      paused = Promise.withResolvers()
      endPause?.()
      await paused.promise
    }
  }
}

t.test('a worker ends its pause when it is woken, and claims nothing once it is stopped', async (t) => {
  const { config, connection } = await prepare(t)
  const clock = manualClock()
  const worker = startWorker(t, config, clock)
  for (const id of ['e1', 'e2', 'e3']) {
    await insertEvents(connection, [created(id, id)])
    worker.wake()
    await untilDone(connection)
  }
  await worker.stop()
  await insertEvents(connection, [created('e4', 'D')])
  worker.wake()
  await worker.stop()
  t.same(await statuses(connection), { done: 3, pending: 1 })
})

t.test('pauses grow up to a second while there is nothing to do, and start over after work', async (t) => {
  const { config, connection } = await prepare(t)
  const { pausesMs, untilPaused, passTime, ...clock } = manualClock()
  startWorker(t, config, clock)
  await untilPaused()
  for (let pause = 0; pause < 7; pause++) await passTime(1)
  t.same(
    pausesMs.map((ms) => Math.round(ms)),
    [100, 150, 225, 338, 506, 759, 1000, 1000]
  )
  await insertEvents(connection, [created('e1', 'A')])
  await passTime(1)
  t.same(await statuses(connection), { done: 1 }, 'an event that nobody announces is found')
  t.equal(pausesMs.at(-1), 100)
})

t.test('every five seconds a worker looks for events whose lease has expired', async (t) => {
  const { config, connection } = await prepare(t)
  const { untilPaused, passTime, ...clock } = manualClock()
  await insertEvents(connection, [created('e1', 'A')])
  await claimEvents(workerDatabase(t, config), { token: randomBytes(16), leaseMs: 30_000 }, 1)
  startWorker(t, config, clock)
  await untilPaused()
  await letTimePass(connection)
  await passTime(4999)
  t.match(await inbox(connection), [{ status: 'processing', last_error: null }])
  await passTime(1)
  t.match(await inbox(connection), [{ attempts: 1, last_error: 'The worker ended, or took too long.' }])
  await letTimePass(connection)
  await passTime(1)
  t.match(await inbox(connection), [{ status: 'done', attempts: 2 }])
})

t.test('an event that fails does not fail others, is retried, and is done once it can be applied', async (t) => {
  const { config, connection } = await prepare(t)
  const allow = await refuseName(connection, 'Poison')
  await insertEvents(connection, [created('e1', 'A'), created('e2', 'B', 'Poison'), created('e3', 'C')])
  const worker = startWorker(t, config)
  const poison = async () => (await inbox(connection))[1]
  await waitFor('the others are done', async () => (await statuses(connection)).done === 2)
  await waitFor('it has failed several times', async () => {
    await letTimePass(connection)
    const { status, attempts = 0 } = (await poison()) ?? {}
    return status === 'pending' && attempts > 3
  })
  await allow()
  await waitFor('it is done', async () => {
    await letTimePass(connection)
    return (await statuses(connection)).done === 3
  })
  const { attempts = 0, last_error } = (await poison()) ?? {}
  t.equal(last_error, null)
  const [failed] = await connection.query<RowDataPacket[]>(
    'SELECT attempt, error, started_at <= failed_at AS is_after FROM webhook_attempts ORDER BY attempt'
  )
  t.same(
    failed.map((row) => ({ ...row })),
    // The first attempt was the one with all three events.
    Array.from({ length: attempts - 2 }, (_, place) => ({
      attempt: place + 2,
      error: 'refused by the test',
      is_after: 1
    }))
  )
  t.ok(worker.errors.length > failed.length, 'every failure is logged')
})

t.test('an event that always fails is dead after the last attempt, and has no effect', async (t) => {
  const { config, connection } = await prepare(t)
  await refuseName(connection, 'Poison')
  await insertEvents(connection, [created('e1', 'A', 'Poison')])
  startWorker(t, config)
  await waitFor('it is dead', async () => {
    await letTimePass(connection)
    return (await statuses(connection)).dead === 1
  })
  t.match(await inbox(connection), [{ attempts: MAX_EVENT_ATTEMPTS, last_error: 'refused by the test' }])
  const [[count]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS attempts FROM webhook_attempts')
  t.equal(count?.attempts, MAX_EVENT_ATTEMPTS)
  t.same(await products(connection), [])
  const [registers] = await connection.query<RowDataPacket[]>('SELECT * FROM product_registers')
  t.same(registers, [])
})

t.test('several workers share the events, and each event is applied once', async (t) => {
  const { config, connection } = await prepare(t)
  const events = Array.from({ length: 1000 }, (_, number) => ({
    id: `e${number}`,
    type: number < 100 ? 'product.created' : 'product.stock_changed',
    occurredAt: at(number),
    data: { sku: `S${number % 100}`, name: 'Tea', price: 1, stock: number }
  }))
  await insertEvents(connection, events)
  const workers = [1, 2, 3].map(() => startWorker(t, config))
  await untilDone(connection)
  t.same(
    await products(connection),
    Array.from({ length: 100 }, (_, number) => ({
      sku: `S${number}`,
      name: 'Tea',
      price: '1.00',
      stock: 900 + number
    })).sort((a, b) => (a.sku < b.sku ? -1 : 1))
  )
  t.ok(
    (await inbox(connection)).every(({ attempts }) => attempts === 1),
    'each event was tried once'
  )
  t.same(
    workers.flatMap(({ errors }) => errors),
    [],
    'no deadlocks and no timeouts'
  )
})
