import t from 'tap'
import { readEnvelope } from '../../../src/integrations/webhooks/receive/webhooks.ts'
import { eventOf } from '../../support/deliver-webhook.ts'

const timeOf = (occurredAt: unknown) => readEnvelope(eventOf({ occurredAt })).occurredAtMs

t.test('occurredAt is RFC 3339, in any time zone, to the millisecond', async (t) => {
  const expected = Date.UTC(2026, 1, 28, 9, 30, 0, 250)
  for (const text of [
    '2026-02-28T09:30:00.250Z',
    '2026-02-28t09:30:00.25z',
    '2026-02-28T09:30:00.250999999Z',
    '2026-02-28T11:00:00.250+01:30',
    '2026-02-28T09:30:00.250-00:00'
  ]) {
    t.equal(timeOf(text), expected, text)
  }
  t.equal(timeOf('2028-02-29T00:00:00Z'), Date.UTC(2028, 1, 29))
  for (const wrong of [
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
    '2026-01-01',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-01:00',
    'Thu, 01 Jan 2026 00:00:00 GMT',
    1_770_000_000,
    ''
  ]) {
    t.throws(() => timeOf(wrong), { errors: [{ pointer: '#/occurredAt' }] }, String(wrong))
  }
})

t.test('every fault is reported', async (t) => {
  t.throws(() => readEnvelope({}), {
    status: 400,
    errors: ['id', 'type', 'occurredAt', 'data'].map((field) => ({ pointer: `#/${field}`, detail: 'is required' }))
  })
  for (const json of [undefined, null, [], 'text', 1]) {
    t.throws(() => readEnvelope(json), { errors: [{ pointer: '#', detail: 'must be an object' }] })
  }
  for (const id of ['', 'e1 ', 'e 1', 'é', 'e\u0000', 'x'.repeat(191), 1, null]) {
    t.throws(() => readEnvelope(eventOf({ id })), { errors: [{ pointer: '#/id' }] }, JSON.stringify(id))
  }
  t.throws(() => readEnvelope(eventOf({ type: 'x'.repeat(65) })), { errors: [{ pointer: '#/type' }] })
  t.throws(() => readEnvelope(eventOf({ data: [] })), { errors: [{ pointer: '#/data', detail: 'must be an object' }] })
})

t.test('additional fields are allowed', async (t) => {
  t.match(readEnvelope(eventOf({ id: 'a.b', type: 'order.paid', apiVersion: 3 })), { id: 'a.b', type: 'order.paid' })
})
