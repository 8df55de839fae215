import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { encodeRequest } from '../load/http-client.ts'

/** A delivery to send, and its content. */
export interface BenchDelivery {
  eventId: string
  type: string
  occurredAt: string
  body: string
}

/** The secret that signs the deliveries. */
export const SECRET = randomBytes(24).toString('hex')
const PRODUCTS = 5000
const PATH = '/api/v1/webhooks/events'
/** One event in so many creates its product. */
const CREATED_EVERY = 10

const key = createSecretKey(Buffer.from(SECRET))
const prefix = randomBytes(6).toString('hex')
let count = 0

/** Creates the next event: a product is created, or its price or stock changes. Consecutive events change different products. */
export function nextDelivery(): BenchDelivery {
  const number = count++
  // All ids have the same length, so that all responses have it too.
  const eventId = `evt_${prefix}_${String(number).padStart(9, '0')}`
  const sku = `BENCH-${String((number * 7) % PRODUCTS).padStart(6, '0')}`
  const occurredAt = new Date().toISOString()
  const { type, data } = describe(number, sku)
  return { eventId, type, occurredAt, body: JSON.stringify({ id: eventId, type, occurredAt, data }) }
}

/** Encodes the request that delivers an event, signed by Standard Webhooks. */
export function toRequest({ eventId, body }: BenchDelivery): Buffer {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', key).update(`${eventId}.${timestamp}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/json',
    'webhook-id': eventId,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`
  }
  return encodeRequest(PATH, headers, body)
}

function describe(number: number, sku: string) {
  if (number % CREATED_EVERY === 0) {
    const data = {
      sku,
      name: `Assam Tea ${sku}`,
      description: 'Strong black tea.',
      price: '12.50',
      category: 'Beverages'
    }
    return { type: 'product.created', data }
  }
  if (number % 2 === 0) return { type: 'product.price_changed', data: { sku, price: `${1 + (number % 90)}.90` } }
  return { type: 'product.stock_changed', data: { sku, stock: number % 1000 } }
}
