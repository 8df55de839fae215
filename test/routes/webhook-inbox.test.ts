import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import type { EventStatus } from '../../schemas/webhook-inbox.ts'
import { loadConfig } from '../../src/config/config.ts'
import { listEvents } from '../../src/integrations/webhooks/inbox/read-events.ts'
import type { Params } from '../../src/platform/database/database.ts'
import { deliverEvent, EVENTS, eventOf, SECRET } from '../support/deliver-webhook.ts'
import { listen } from '../support/exchange.ts'
import { parseExposition } from '../support/exposition.ts'
import { makeKey } from '../support/make-key.ts'
import { toEnvironment } from '../support/service.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'
import { insertEvents, statuses } from '../support/webhook-inbox.ts'
import { startWorker } from '../support/webhook-worker.ts'

const ENDED = ['done', 'stale', 'ignored', 'dead'] as const

const config = await testConfig(t, { WEBHOOK_SECRET: SECRET, WEBHOOK_WORKER: 'false' })
const connection = await testConnection(t, config)
const { key } = await makeKey(connection, { scopes: ['webhooks:admin'] })
const app = await testApp(t, config)
const url = await listen(app)

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url + EVENTS + path, {
    method,
    headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  return { status: response.status, json: JSON.parse(await response.text()) }
}

/** Puts an event into the inbox, in a status, and answers its number. */
async function insert(id: string, status = 'pending', type = 'product.stock_changed', data = {}): Promise<string> {
  await insertEvents(connection, [{ id, type, data: { sku: id, stock: 1, ...data } }])
  const lease = status === 'processing' ? 'UTC_TIMESTAMP(3) + INTERVAL 1 HOUR' : 'NULL'
  await connection.query(
    `UPDATE webhook_events SET status = ?, lease_until = ${lease}, finished_at = IF(?, UTC_TIMESTAMP(3), NULL)
     WHERE event_id = ?`,
    [status, ENDED.some((ended) => ended === status), id]
  )
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT id FROM webhook_events WHERE event_id = ?', [id])
  return String(row?.id)
}

/** The ids of the events of all pages, as they come. */
async function walk(query: string): Promise<string[]> {
  const ids = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { status, json } = await ask('GET', `?limit=2&${query}${cursor && `&cursor=${cursor}`}`)
    if (status !== 200) throw new Error(JSON.stringify(json))
    ids.push(...json.data.map(({ eventId }: { eventId: string }) => eventId))
    cursor = json.pagination.nextCursor
  }
  return ids
}

/** A cursor so many events into the list. */
async function cursorAfter(events: number, filters: { status?: EventStatus; type?: string }): Promise<string> {
  const { pagination } = await listEvents(app.database, { ...filters, limit: events })
  return pagination.nextCursor ?? ''
}

t.beforeEach(() => connection.query('TRUNCATE TABLE webhook_events'))

t.test('events are listed with their state, without their bodies', async (t) => {
  const event = eventOf({ type: 'product.price_changed' })
  await deliverEvent(url, event)
  await deliverEvent(url, { ...event, data: {} })
  const { status, json } = await ask('GET', '')
  t.equal(status, 200)
  t.same(json.pagination, { limit: 20, hasMore: false, nextCursor: null })
  const [{ receivedAt, nextAttemptAt, ...rest }] = json.data
  t.same(rest, {
    id: '1',
    eventId: event.id,
    type: 'product.price_changed',
    status: 'pending',
    attempts: 0,
    occurredAt: '2026-03-01T09:30:00.250Z',
    finishedAt: null,
    duplicates: 1,
    hasConflict: true,
    lastError: null
  })
  t.match(receivedAt, /^20.*Z$/)
  t.equal(nextAttemptAt, receivedAt)
})

t.test('paging through a list serves each matching event once, the latest arrival first', async (t) => {
  const made: { id: string; status: string; type: string }[] = []
  for (const status of ['pending', 'processing', ...ENDED]) {
    for (const type of ['product.deleted', 'order.paid', 'product.deleted']) {
      const id = `e${made.length}`
      await insert(id, status, type)
      made.push({ id, status, type })
    }
  }
  const expected = (fits: (event: (typeof made)[number]) => boolean) =>
    made
      .filter(fits)
      .map(({ id }) => id)
      .reverse()
  t.same(
    await walk(''),
    expected(() => true)
  )
  for (const one of ['pending', 'processing', ...ENDED]) {
    t.same(
      await walk(`status=${one}`),
      expected(({ status }) => status === one),
      one
    )
    const both = expected(({ status, type }) => status === one && type === 'product.deleted')
    t.same(await walk(`status=${one}&type=product.deleted`), both, one)
  }
  t.same(
    await walk('type=product.deleted'),
    expected(({ type }) => type === 'product.deleted')
  )
  t.same(await walk('type=nothing'), [])
})

t.test('a deep page reads as many rows as the first one, with any filters', async (t) => {
  const statusNames = ['pending', 'processing', ...ENDED]
  const events = Array.from({ length: 3000 }, (_, number) => ({
    id: `e${number}`,
    type: number % 2 === 0 ? 'product.deleted' : 'order.paid',
    data: {}
  }))
  await insertEvents(connection, events)
  await connection.query('UPDATE webhook_events SET status = ELT(1 + id DIV 2 % 6, ?)', [statusNames])
  const execute = async <Row>(sql: string, params: Params) => (await connection.execute(sql, [...params]))[0] as Row[]
  for (const filters of [
    {},
    { status: 'dead' },
    { type: 'order.paid' },
    { status: 'done', type: 'order.paid' }
  ] as const) {
    for (const cursor of ['', await cursorAfter(200, filters)]) {
      await connection.query('FLUSH STATUS')
      const { data } = await listEvents({ execute }, { ...filters, ...(cursor && { cursor }), limit: 20 })
      const [counters] = await connection.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Handler_read%'")
      const read = counters.reduce((sum, { Value }) => sum + Number(Value), 0)
      t.equal(data.length, 20)
      // Of a type there are six walks; what they find is read, merged and looked up.
      const walks = 'type' in filters && !('status' in filters) ? 6 : 1
      t.ok(read <= 4 * walks * 21 + 21, `${JSON.stringify(filters)}: ${read}`)
    }
  }
})

t.test('a foreign cursor, one of other filters, and invalid parameters are refused', async (t) => {
  for (const id of ['a', 'b', 'c']) await insert(id, 'dead')
  const { json } = await ask('GET', '?limit=1&status=dead')
  const { nextCursor } = json.pagination
  const code = async (query: string) => (await ask('GET', query)).json.code
  t.equal(await code(`?status=done&cursor=${nextCursor}`), 'cursor-mismatch')
  t.equal(await code(`?status=dead&type=product.deleted&cursor=${nextCursor}`), 'cursor-mismatch')
  t.equal(await code(`?status=dead&cursor=${nextCursor.slice(0, -1)}`), 'invalid-cursor')
  for (const query of ['?status=gone', '?limit=0', '?limit=101', '?type=', '?sort=id']) {
    t.equal(await code(query), 'validation-failed', query)
  }
})

t.test('cursors given out by earlier releases still work', async (t) => {
  const id = await insert('e1', 'dead', 'product.updated')
  // After event 9007199254740993, without filters and with two.
  const queries = [
    '?cursor=AQD5OxLMOOuSbwAAAAAAAAAAAAAAAAAAAAA5MDA3MTk5MjU0NzQwOTkz17cfsSPMmY8',
    '?status=dead&type=product.updated&cursor=AQB5htXMVNVazwAAAAAAAAAAAAAAAAAAAAA5MDA3MTk5MjU0NzQwOTkzxTJmBsFOVJg'
  ]
  for (const query of queries) {
    const { status, json } = await ask('GET', query)
    t.equal(status, 200)
    t.same(
      json.data.map((event: { id: string }) => event.id),
      [id]
    )
  }
})

t.test('a single event has its body, its failed attempts and its times', async (t) => {
  const id = await insert('e1', 'dead', 'product.updated', { name: '☕' })
  await connection.query(
    `INSERT INTO webhook_attempts VALUES (?, 1, '2026-01-01 00:00:00', '2026-01-01 00:00:01', 'one'),
       (?, 2, NULL, '2026-01-01 00:00:02.5', 'two')`,
    [id, id]
  )
  const { status, json } = await ask('GET', `/${id}`)
  t.equal(status, 200)
  t.match(json, {
    id,
    eventId: 'e1',
    scheme: 'plain',
    secretNumber: 1,
    leaseUntil: null,
    nextAttemptAt: null,
    finishedAt: /^20.*Z$/,
    body: { id: 'e1', type: 'product.updated', data: { sku: 'e1', name: '☕' } }
  })
  t.same(json.failedAttempts, [
    { attempt: 1, startedAt: '2026-01-01T00:00:00.000Z', failedAt: '2026-01-01T00:00:01.000Z', error: 'one' },
    { attempt: 2, startedAt: null, failedAt: '2026-01-01T00:00:02.500Z', error: 'two' }
  ])
  t.match(await ask('GET', '/4711'), { status: 404, json: { code: 'webhook-event-not-found' } })
  for (const wrong of ['0', 'e1', '1e3', '99999999999999999999'])
    t.match(await ask('GET', `/${wrong}`), { status: 400, json: { code: 'validation-failed' } }, wrong)
})

t.test('a dead event can be replayed, and is done once it can be applied', async (t) => {
  const id = await insert('e1', 'dead', 'product.created', { name: 'Tea', price: 1 })
  await connection.query("UPDATE webhook_events SET attempts = 8, last_error = 'no room'")
  t.match(await ask('POST', `/${id}/replay`), {
    status: 200,
    json: { id, status: 'pending', attempts: 0, finishedAt: null, lastError: null }
  })
  t.match(await ask('POST', `/${id}/replay`), { status: 409, json: { code: 'webhook-event-not-replayable' } })
  startWorker(t, config)
  const json = await waitFor('it is done', async () => {
    const { json } = await ask('GET', `/${id}`)
    return json.status === 'done' && json
  })
  t.equal(json.attempts, 1)
})

t.test('unfinished events and events of unknown types cannot be replayed', async (t) => {
  for (const status of ENDED) {
    const id = await insert(status, status)
    t.equal((await ask('POST', `/${id}/replay`)).json.status, 'pending', status)
  }
  const refused = [
    await insert('now', 'processing'),
    await insert('soon', 'pending'),
    await insert('unknown', 'ignored', 'order.paid')
  ]
  for (const id of refused) {
    t.match(await ask('POST', `/${id}/replay`), { status: 409, json: { code: 'webhook-event-not-replayable' } })
  }
  t.match(await ask('POST', '/4711/replay'), { status: 404, json: { code: 'webhook-event-not-found' } })
  t.same(await statuses(connection), { ignored: 1, pending: 5, processing: 1 })
})

t.test('all dead events of a type can be replayed at once, and no others are', async (t) => {
  const events = Array.from({ length: 1250 }, (_, number) => ({
    id: `e${number}`,
    type: number < 1220 ? 'product.deleted' : 'product.updated',
    data: { sku: 'A' }
  }))
  await insertEvents(connection, events)
  await connection.query("UPDATE webhook_events SET status = IF(event_id = 'e0', 'done', 'dead')")
  const body = { type: 'product.deleted', status: 'dead' }
  t.same(await ask('POST', '/replay', body), { status: 200, json: { replayed: 1219, hasMore: false } })
  t.same(await statuses(connection), { done: 1, pending: 1219, dead: 30 })
  t.same((await ask('POST', '/replay', body)).json, { replayed: 0, hasMore: false })
  for (const wrong of [{}, { type: 'product.deleted' }, { ...body, status: 'done' }, { ...body, all: true }, [body]]) {
    t.match(await ask('POST', '/replay', wrong), { status: 400, json: { code: 'validation-failed' } })
  }
  const { status } = await ask('POST', '/replay', body, { 'content-type': 'text/plain' })
  t.equal(status, 415)
})

t.test('a replay wakes the worker of the same instance', async (t) => {
  const own = await testApp(t, { ...config, webhooks: { ...config.webhooks, isWorkerEnabled: true } })
  const id = await insert('e1', 'dead', 'product.created', { name: 'Tea', price: 1 })
  const answer = await own.inject({ method: 'POST', url: `${EVENTS}/${id}/replay`, headers: { 'x-api-key': key } })
  t.equal(answer.statusCode, 200)
  await waitFor('it is processed', async () => {
    const { done = 0, stale = 0 } = await statuses(connection)
    return done + stale === 1
  })
})

t.test('only keys with the scope webhooks:admin have access', async (t) => {
  const { key: other } = await makeKey(connection, { scopes: ['products:write'] })
  const id = await insert('e1', 'dead')
  for (const [method, path] of [
    ['GET', ''],
    ['GET', `/${id}`],
    ['POST', `/${id}/replay`],
    ['POST', '/replay']
  ] as const) {
    t.equal((await ask(method, path, undefined, { 'x-api-key': other })).status, 403, `${method} ${path}`)
    t.equal((await fetch(url + EVENTS + path, { method })).status, 401)
  }
  t.same(await statuses(connection), { dead: 1 })
})

t.test('pending and dead events are measured', async (t) => {
  await insert('e1', 'dead')
  for (const id of ['e2', 'e3', 'e4']) await insert(id)
  await insert('e5', 'done')
  await connection.query("UPDATE webhook_events SET received_at = received_at - INTERVAL 1 HOUR WHERE event_id = 'e2'")
  const own = await testApp(t, config)
  const samples = async () => parseExposition((await own.inject('/metrics')).body).flatMap((family) => family.samples)
  const readingOf = (name: string, all: Awaited<ReturnType<typeof samples>>, status?: string) =>
    all.find((sample) => sample.name === name && sample.labels.status === status)?.value
  const first = await samples()
  t.equal(readingOf('aisle_webhooks_events', first, 'pending'), 3)
  t.equal(readingOf('aisle_webhooks_events', first, 'dead'), 1)
  const age = readingOf('aisle_webhooks_oldest_pending_age_seconds', first) ?? 0
  t.ok(age >= 3600 && age < 3700, `${age}`)
})

t.test('a scrape leaves these metrics out while MySQL is down', async (t) => {
  const nowhere = loadConfig({ ...toEnvironment(config), DB_SOCKET: '/nowhere', DB_HOST: '' })
  const own = await testApp(t, nowhere)
  const { statusCode, body } = await own.inject('/metrics')
  t.equal(statusCode, 200)
  t.match(body, 'process_cpu_seconds_total')
  t.notMatch(body, /^aisle_webhooks_oldest_pending_age_seconds /im)
  t.notMatch(body, /^aisle_webhooks_events\{/m)
})
