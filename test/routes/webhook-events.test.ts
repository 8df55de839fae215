import { createHash } from 'node:crypto'
import { type OutgoingHttpHeaders, request } from 'node:http'
import { json } from 'node:stream/consumers'
import type { RowDataPacket } from 'mysql2/promise'
import { Webhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import {
  deliver,
  deliverEvent,
  EVENTS,
  eventOf,
  hub,
  plain,
  type Receipt,
  SECRET,
  standard
} from '../support/deliver-webhook.ts'
import { listen } from '../support/exchange.ts'
import { parseExposition } from '../support/exposition.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig, testConnection } from '../support/test-config.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const OLD_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

const config = await testConfig(t, { WEBHOOK_SECRET: `${SECRET}, ${OLD_SECRET}`, WEBHOOK_WORKER: 'false' })
const connection = await testConnection(t, config)
const app = await testApp(t, config)
const url = await listen(app)

async function findEvents(eventId: string): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT * FROM webhook_events WHERE event_id = ?', [eventId])
  return rows
}

async function countEvents(): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS count FROM webhook_events')
  return row?.count
}

/** Checks that a delivery gets a problem and is not recorded. */
async function isRefused(t: Test, status: number, code: string, send: () => Promise<Receipt>): Promise<Receipt> {
  const before = await countEvents()
  const receipt = await send()
  t.equal(receipt.httpStatus, status, code)
  t.equal(receipt.json.code, code)
  t.match(receipt.headers.get('content-type'), 'application/problem+json')
  t.equal(await countEvents(), before)
  return receipt
}

t.test(
  'a delivery signed by the Standard Webhooks package is recorded byte by byte, with the number of its secret',
  async (t) => {
    const event = eventOf({ data: { sku: 'é', name: '☕' } })
    const body = `${JSON.stringify(event, null, 2)}\n`
    const now = new Date()
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(OLD_SECRET).sign('msg_1', now, body)
    }
    const receipt = await deliver(url, body, headers)
    t.equal(receipt.httpStatus, 200)
    t.same(receipt.json, { status: 'accepted', eventId: 'msg_1' })
    t.match(await findEvents('msg_1'), [
      {
        source: 'default',
        type: event.type,
        occurred_at: '2026-03-01 09:30:00.250',
        body: Buffer.from(body),
        body_hash: createHash('sha256').update(body).digest(),
        scheme: 'standard',
        secret_number: 2,
        duplicates: 0,
        has_conflict: 0,
        status: 'pending',
        attempts: 0,
        finished_at: null
      }
    ])
  }
)

t.test('a repeated delivery is a duplicate, even if unsigned header fields differ', async (t) => {
  const body = JSON.stringify(eventOf({ id: 'hub-1' }))
  const statuses = []
  for (const delivery of ['1', '2', '3']) {
    const { httpStatus, json } = await deliver(url, body, { ...hub(body), 'x-github-delivery': delivery })
    t.equal(httpStatus, 200)
    t.equal(json.eventId, 'hub-1')
    statuses.push(json.status)
  }
  t.same(statuses, ['accepted', 'duplicate', 'duplicate'])
  t.match(await findEvents('hub-1'), [{ scheme: 'hub', secret_number: 1, duplicates: 2, has_conflict: 0 }])
  // The scheme does not matter.
  t.equal((await deliver(url, body, plain(body))).json.status, 'duplicate')
  t.equal((await deliver(url, body, standard(body, 'hub-1'))).json.status, 'duplicate')
})

t.test('a duplicate with a different body is flagged', async (t) => {
  t.equal((await deliverEvent(url, eventOf({ id: 'conflict' }))).json.status, 'accepted')
  const [before] = await findEvents('conflict')
  t.equal((await deliverEvent(url, eventOf({ id: 'conflict' }))).json.status, 'duplicate')
  t.match(await findEvents('conflict'), [{ body: before?.body, duplicates: 1, has_conflict: 1 }])
})

t.test('ids are compared byte by byte', async (t) => {
  for (const id of ['e1', 'E1', 'a.b']) t.equal((await deliverEvent(url, eventOf({ id }))).json.status, 'accepted', id)
  const { json } = await isRefused(t, 400, 'validation-failed', () => deliverEvent(url, eventOf({ id: 'e1 ' })))
  t.match(json.errors, [{ pointer: '#/id' }])
})

t.test('an event of an unknown type is recorded and ignored; data is not validated on receipt', async (t) => {
  const unknown = await deliverEvent(url, eventOf({ id: 'unknown', type: 'order.paid' }))
  t.same(unknown.json, { status: 'ignored', eventId: 'unknown' })
  const [row] = await findEvents('unknown')
  t.equal(row?.status, 'ignored')
  t.type(row?.finished_at, 'string')
  t.equal((await deliverEvent(url, eventOf({ id: 'unknown', type: 'order.paid' }))).json.status, 'duplicate')
  t.equal((await deliverEvent(url, eventOf({ data: { sku: 5 } }))).json.status, 'accepted')
})

t.test('a signed body that is not an event is a 400', async (t) => {
  for (const body of ['{', '', 'null x', Buffer.from([0x22, 0xff, 0x22])]) {
    const code = body === '' ? 'validation-failed' : 'malformed-json'
    await isRefused(t, 400, code, () => deliver(url, body, plain(body)))
    await isRefused(t, 400, code, () => deliver(url, body, standard(body, 'm1')))
  }
  const { id: _id, ...withoutId } = eventOf()
  const { json } = await isRefused(t, 400, 'validation-failed', () => deliverEvent(url, withoutId))
  t.same(json.errors, [{ pointer: '#/id', detail: 'is required' }])
})

t.test('the signature is that of the bytes, not of the decoded text', async (t) => {
  const bytes = (byte: number) => Buffer.concat([Buffer.from('"'), Buffer.from([byte]), Buffer.from('"')])
  const headers = plain(bytes(0xff))
  await isRefused(t, 400, 'malformed-json', () => deliver(url, bytes(0xff), headers))
  const { headers: answered } = await isRefused(t, 401, 'signature-mismatch', () => deliver(url, bytes(0xfe), headers))
  t.ok(answered.get('www-authenticate'))
})

t.test('a delivery without a valid signature is a 401', async (t) => {
  const body = JSON.stringify(eventOf())
  await isRefused(t, 401, 'signature-missing', () => deliver(url, body, {}))
  await isRefused(t, 401, 'signature-missing', () => deliver(url, '', {}))
  await isRefused(t, 401, 'signature-mismatch', () => deliver(url, body, plain(body, 'another')))
  await isRefused(t, 401, 'signature-expired', () => {
    return deliver(url, body, standard(body, 'old', { timestamp: String(Math.floor(Date.now() / 1000) - 400) }))
  })
  // Without a body, and without a content type.
  for (const headers of [{}, { 'content-length': '0' }, JSON_TYPE]) {
    await isRefused(t, 401, 'signature-missing', () => send(headers))
  }
  const { 'x-webhook-signature': signature = '' } = plain(body)
  await isRefused(t, 401, 'signature-malformed', () =>
    send({ ...JSON_TYPE, 'x-webhook-signature': [signature, signature] }, body)
  )
})

t.test('a body larger than 1 MiB is refused, with or without Content-Length; one of 1 MiB is accepted', async (t) => {
  const event = eventOf()
  const bytesLeft = 1_048_576 - JSON.stringify({ ...event, padding: '' }).length
  const largest = JSON.stringify({ ...event, padding: 'x'.repeat(bytesLeft) })
  t.equal((await deliver(url, largest, plain(largest))).json.status, 'accepted')
  const tooLarge = `${largest} `
  await isRefused(t, 413, 'payload-too-large', () => send({ ...JSON_TYPE, ...plain(tooLarge) }, tooLarge))
  await isRefused(t, 413, 'payload-too-large', () => {
    return send({ ...JSON_TYPE, ...plain(tooLarge), 'transfer-encoding': 'chunked' }, tooLarge)
  })
})

t.test('only uncompressed JSON in UTF-8 is accepted', async (t) => {
  const body = JSON.stringify(eventOf())
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
    await isRefused(t, 415, 'unsupported-media-type', () =>
      deliver(url, body, { ...plain(body), 'content-type': type })
    )
  }
  await isRefused(t, 415, 'unsupported-media-type', () => send(plain(body), body))
  const zipped = { ...plain(body), 'content-encoding': 'gzip' }
  await isRefused(t, 415, 'unsupported-media-type', () => deliver(url, body, zipped))
  const typed = { ...plain(body), 'content-type': 'application/json; charset=utf-8' }
  t.equal((await deliver(url, body, typed)).json.status, 'accepted')
})

t.test('deliveries are counted', async (t) => {
  const samples = parseExposition((await app.inject('/metrics')).body).flatMap((family) => family.samples)
  const labelsOf = (name: string) =>
    samples.filter((sample) => sample.name === name && sample.value > 0).map(({ labels }) => Object.values(labels)[0])
  t.same(labelsOf('aisle_webhooks_received_total').sort(), ['accepted', 'duplicate', 'ignored'])
  t.same(labelsOf('aisle_webhooks_refused_total').sort(), [
    'malformed-json',
    'payload-too-large',
    'signature-expired',
    'signature-malformed',
    'signature-mismatch',
    'signature-missing',
    'unsupported-media-type',
    'validation-failed'
  ])
})

t.test('without a secret every delivery is refused', async (t) => {
  const closed = await listen(await testApp(t, { ...config, webhooks: { ...config.webhooks, secrets: [] } }))
  const body = JSON.stringify(eventOf())
  for (const headers of [{}, plain(body), plain(body, '')]) {
    await isRefused(t, 503, 'webhooks-disabled', () => deliver(closed, body, headers))
  }
})

/** Sends requests that fetch cannot: without a body or a content type, with repeated fields, with a body of unknown length. */
function send(headers: OutgoingHttpHeaders, body?: string): Promise<Receipt> {
  const length = body !== undefined && !('transfer-encoding' in headers) ? { 'content-length': body.length } : {}
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: { ...length, ...headers }, agent: false }
    const sent = request(url + EVENTS, options, async (response) => {
      resolve({
        httpStatus: response.statusCode ?? 0,
        headers: new Headers({ 'content-type': response.headers['content-type'] ?? '' }),
        json: (await json(response)) as Receipt['json']
      })
    })
    sent.on('error', reject).end(body)
  })
}
