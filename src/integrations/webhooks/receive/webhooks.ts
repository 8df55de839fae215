import type { IncomingHttpHeaders } from 'node:http'
import {
  EVENT_ID_PATTERN,
  EVENT_TYPE_PATTERN,
  type WebhookEvent,
  type WebhookReceipt
} from '../../../../schemas/webhooks.ts'
import type { Database } from '../../../platform/database/database.ts'
import { AppError, validationFailed } from '../../../platform/errors/app-error.ts'
import { isJsonObject, readJson } from '../../../platform/http/request-body.ts'
import { parseRfc3339 } from '../../../platform/lib/timestamps.ts'
import { createOutageLog } from '../../../platform/logging/outage-log.ts'
import type { Metrics } from '../../../platform/metrics/metrics.ts'
import { createEventRecorder } from './record-events.ts'
import { openRejectionTallies, type Rejection } from './rejection-tallies.ts'
import { createSignatureVerifier } from './verify-signature.ts'

/** The receiving side of webhooks: deliveries come in here, and workers learn here that there is work. */
export interface Webhooks {
  /**
   * Verifies and records a delivery. Once this returns, the event is committed, whatever happens afterwards. Whether the
   * data of the event can be applied is found out later, as its sender could do nothing about it.
   * @param body the bytes as they arrived; nothing in them is read before the signature is verified
   * @throws {AppError} `webhooks-disabled`; `signature-…` (401); `malformed-json`, `validation-failed`,
   * `unsupported-media-type`; 503 when it cannot be recorded within a second
   */
  receive(headers: IncomingHttpHeaders, body: Buffer): Promise<WebhookReceipt>
  /**
   * Counts a delivery that was refused.
   * @param reason the code of the problem that the sender got
   */
  noteRejection(reason: string, rejection: Rejection): void
  /** Registers a function to be called whenever events have become pending: new ones, or replayed ones. */
  onPending(listener: () => void): void
  /** Calls the functions that were registered with `onPending`. */
  notifyPending(): void
  /** Writes the counts of refused deliveries that are still in memory, if the database answers. */
  close(): Promise<void>
}

interface WebhooksOptions {
  database: Database
  /** Secrets that deliveries may be signed with; with none, every delivery is refused. */
  secrets: readonly Buffer[]
  /** How far a signed timestamp may be from the current time, in either direction. */
  toleranceSeconds: number
  log: {
    info(message: string): void
    warn(details: object, message: string): void
    error(details: object, message: string): void
  }
  metrics: Metrics
  /** Unix time. */
  nowMs?: () => number
}

/** Opens the receiving side of webhooks, with its metrics. */
export function openWebhooks(options: WebhooksOptions): Webhooks {
  const { database, secrets, toleranceSeconds, log, metrics, nowMs = Date.now } = options
  const verifySignature = createSignatureVerifier({ secrets, toleranceSeconds, nowMs })
  const record = createEventRecorder({
    database,
    onFailure: (error) => log.error({ err: error }, 'a webhook could not be recorded')
  })
  const outageLog = createOutageLog('The log of refused webhooks', log)
  const rejections = openRejectionTallies({ database, nowMs, onFailure: outageLog.down, onSuccess: outageLog.up })
  const listeners: (() => void)[] = []
  const received = metrics.counter({
    name: 'aisle_webhooks_received_total',
    help: 'Webhook deliveries that were accepted, by status: accepted, duplicate, ignored (an unknown type).',
    labelNames: ['status']
  })
  const refused = metrics.counter({
    name: 'aisle_webhooks_refused_total',
    help: 'Webhook deliveries that were refused; reason is the code of the problem.',
    labelNames: ['reason']
  })

  function notifyPending(): void {
    for (const listener of listeners) listener()
  }

  return {
    async receive(headers, body) {
      if (secrets.length === 0) throw new AppError('webhooks-disabled', 'No secret for webhooks is configured.')
      const { scheme, secretNumber, eventId: signedId } = verifySignature(headers, body)
      const { id, type, occurredAtMs } = readEnvelope(readJson(body, headers))
      // Standard Webhooks signs an id beside the body. An id in any other header field is not signed and proves nothing.
      const eventId = signedId ?? id
      const status = await record({ eventId, type, occurredAtMs, body, scheme, secretNumber })
      received.inc({ status })
      if (status === 'accepted') notifyPending()
      return { status, eventId }
    },
    noteRejection(reason, rejection) {
      refused.inc({ reason })
      rejections.note(reason, rejection)
    },
    onPending: (listener) => listeners.push(listener),
    notifyPending,
    close: rejections.close
  }
}

/** The fields that every event has, whatever its type. */
export interface Envelope {
  id: string
  type: string
  /** Unix time. */
  occurredAtMs: number
  /** The part whose form depends on `type`. */
  data: Readonly<Record<string, unknown>>
}

const ID = new RegExp(EVENT_ID_PATTERN)
const TYPE = new RegExp(EVENT_TYPE_PATTERN)

/**
 * Reads the envelope of an event. Unknown fields are allowed, and `data` may be any object: what it must contain depends on
 * the type and is checked when the event is applied.
 * @param json the parsed body of a delivery
 * @throws {AppError} `validation-failed`, with every fault
 */
export function readEnvelope(json: unknown): Envelope {
  if (!isJsonObject(json)) throw validationFailed([{ pointer: '#', detail: 'must be an object' }])
  const { id, type, occurredAt, data }: Partial<Record<keyof WebhookEvent, unknown>> = json
  const occurredAtMs = typeof occurredAt === 'string' ? parseRfc3339(occurredAt) : undefined
  const isIdValid = typeof id === 'string' && ID.test(id)
  const isTypeValid = typeof type === 'string' && TYPE.test(type)
  if (isIdValid && isTypeValid && occurredAtMs !== undefined && isJsonObject(data)) {
    return { id, type, occurredAtMs, data }
  }
  throw validationFailed([
    ...(isIdValid ? [] : [fault('id', id, 'must be 1 to 190 printable ASCII characters without spaces')]),
    ...(isTypeValid ? [] : [fault('type', type, 'must be 1 to 64 printable ASCII characters without spaces')]),
    ...(occurredAtMs === undefined ? [fault('occurredAt', occurredAt, 'must be a date and time as in RFC 3339')] : []),
    ...(isJsonObject(data) ? [] : [fault('data', data, 'must be an object')])
  ])
}

function fault(field: string, value: unknown, detail: string) {
  return { pointer: `#/${field}`, detail: value === undefined ? 'is required' : detail }
}
