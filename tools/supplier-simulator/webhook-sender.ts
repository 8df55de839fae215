import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { ProductEvent } from './supplier-catalogue.ts'

export interface WebhookSenderOptions {
  secret: string
  /** Returns the next event. */
  nextEvent: () => ProductEvent
  nowMs: () => number
  /** The delays between the attempts to deliver an event. After the last attempt the sender gives up. */
  retryDelaysMs?: readonly number[]
}

/** An order to deliver events to a URL. */
export interface DeliveryOrder {
  url: string
  /** The number of events; unlimited by default. */
  count?: number
  /** Events per second; as fast as the receiver takes them by default. */
  rate?: number
}

/** Counts of all deliveries. */
export interface DeliveryCounts {
  events: number
  attempts: number
  delivered: number
  givenUp: number
}

/** Delivers events to a receiver of webhooks. */
export interface WebhookSender {
  /** Starts to deliver. */
  start(order: DeliveryOrder): void
  /** Stops all deliveries. */
  stop(): void
  readonly counts: Readonly<DeliveryCounts>
}

const RETRY_DELAYS_MS = [1000, 5000, 30_000, 120_000, 300_000]
const TIMEOUT_MS = 15_000
const MAX_RETRY_AFTER_MS = 300_000
const CONCURRENCY = 8
const GONE = 410

/**
 * Makes a sender that delivers events as providers do (Standard Webhooks 1.0.0): at least once, in no order, signed again
 * for each attempt, and retried until the receiver responds with 2xx.
 */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { secret, nextEvent, nowMs, retryDelaysMs = RETRY_DELAYS_MS } = options
  const key = signingKey(secret)
  const counts: DeliveryCounts = { events: 0, attempts: 0, delivered: 0, givenUp: 0 }
  let stopping = new AbortController()

  async function run({ url, count = Number.POSITIVE_INFINITY, rate }: DeliveryOrder, signal: AbortSignal) {
    const underWay = new Set<Promise<void>>()
    for (let sent = 0; sent < count && !signal.aborted; sent++) {
      counts.events++
      const delivery: Promise<void> = deliver(url, nextEvent(), signal)
        .catch(unlessStopped(signal))
        .finally(() => underWay.delete(delivery))
      underWay.add(delivery)
      if (rate !== undefined) await wait(1000 / rate, undefined, { signal })
      else if (underWay.size >= CONCURRENCY) await Promise.race(underWay)
    }
    await Promise.all(underWay)
  }

  async function deliver(url: string, event: ProductEvent, signal: AbortSignal): Promise<void> {
    const body = Buffer.from(JSON.stringify(event))
    for (let attempt = 0; ; attempt++) {
      counts.attempts++
      const answer = await post(url, event.id, body, signal)
      if (answer.isTaken) {
        counts.delivered++
        return
      }
      const delayMs = retryDelaysMs[attempt]
      if (delayMs === undefined || answer.isGone) {
        counts.givenUp++
        return
      }
      await wait(Math.max(delayMs * (0.9 + 0.2 * Math.random()), answer.retryAfterMs), undefined, { signal })
    }
  }

  async function post(url: string, id: string, body: Buffer, signal: AbortSignal) {
    const timestamp = Math.floor(nowMs() / 1000)
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': `v1,${signature}`
    }
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
      })
      await response.body?.cancel()
      const retryAfterMs = Math.min(1000 * (Number(response.headers.get('retry-after')) || 0), MAX_RETRY_AFTER_MS)
      return { isTaken: response.ok, isGone: response.status === GONE, retryAfterMs }
    } catch {
      signal.throwIfAborted()
      // No receiver, or no response in time: a failed attempt.
      return { isTaken: false, isGone: false, retryAfterMs: 0 }
    }
  }

  return {
    start(order) {
      const { signal } = stopping
      run(order, signal).catch(unlessStopped(signal))
    },
    stop() {
      stopping.abort()
      stopping = new AbortController()
    },
    counts
  }
}

function unlessStopped(signal: AbortSignal) {
  return (error: unknown) => {
    if (!signal.aborted) throw error
  }
}

/** `whsec_...` is base64, anything else its UTF-8 bytes. */
function signingKey(secret: string): Buffer {
  const prefix = 'whsec_'
  return secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), 'base64') : Buffer.from(secret)
}
