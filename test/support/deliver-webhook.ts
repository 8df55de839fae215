import { createHmac } from 'node:crypto'
import { waitFor } from './wait-for.ts'

export const EVENTS = '/api/v1/webhooks/events'
export const SECRET = 'a-secret-of-the-tests-with-more-than-24-bytes'

export type SignatureHeaders = Record<string, string>

let count = 0

/** Creates an event with an id of its own. */
export function eventOf(fields: Record<string, unknown> = {}) {
  const data = { sku: `S-${++count}`, stock: count }
  return { id: `evt_${count}`, type: 'product.stock_changed', occurredAt: '2026-03-01T09:30:00.250Z', data, ...fields }
}

export function hmac(secret: string | Buffer, ...parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHmac('sha256', secret)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Signs by Standard Webhooks, with the current time unless given. */
export function standard(
  body: string | Buffer,
  id: string,
  { secret = SECRET as string | Buffer, timestamp = String(Math.floor(Date.now() / 1000)) } = {}
): SignatureHeaders {
  const signature = hmac(secret, `${id}.${timestamp}.`, body).toString('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}

export function hub(body: string | Buffer, secret: string | Buffer = SECRET): SignatureHeaders {
  return { 'x-hub-signature-256': `sha256=${hmac(secret, body).toString('hex')}` }
}

export function plain(body: string | Buffer, secret: string | Buffer = SECRET): SignatureHeaders {
  return { 'x-webhook-signature': hmac(secret, body).toString('hex') }
}

export interface Receipt {
  httpStatus: number
  headers: Headers
  /** The body: a receipt or a problem. */
  json: {
    status?: string | number
    eventId?: string
    code?: string
    errors?: { pointer: string; detail: string }[]
  }
}

/** Delivers bytes as they are. */
export async function deliver(url: string, body: string | Uint8Array, headers: SignatureHeaders): Promise<Receipt> {
  const response = await fetch(url + EVENTS, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body
  })
  return { httpStatus: response.status, headers: response.headers, json: JSON.parse(await response.text()) }
}

/** Delivers an event in the plain scheme. */
export function deliverEvent(url: string, event: object): Promise<Receipt> {
  const body = JSON.stringify(event)
  return deliver(url, body, plain(body))
}

/**
 * Delivers an event until it is recorded, as senders do: a service that is starting, or short of time, answers 503 or not
 * at all.
 * @param url of the service, at the time of each delivery
 */
export async function deliverUntilRecorded(url: () => string, event: object, timeoutMs?: number): Promise<void> {
  const isRecorded = async () => (await deliverEvent(url(), event)).httpStatus === 200
  await waitFor('the event is recorded', isRecorded, timeoutMs)
}
