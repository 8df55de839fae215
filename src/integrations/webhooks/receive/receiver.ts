import type { IncomingHttpHeaders } from 'node:http'
import type { WebhookReceipt } from '../../../../schemas/webhooks.ts'
import { AppError } from '../../../platform/errors/app-error.ts'
import { readJson } from '../../../platform/http/read-json.ts'
import { readEnvelope } from './read-envelope.ts'
import type { Delivery } from './record-events.ts'
import type { VerifySignature } from './verify-signature.ts'

/** Takes a delivery, its body as it came. What it has answered for is recorded, whatever happens afterwards. */
export type Receive = (headers: IncomingHttpHeaders, body: Buffer) => Promise<WebhookReceipt>

interface ReceiverOptions {
  isEnabled: boolean
  verifySignature: VerifySignature
  record: (delivery: Delivery) => Promise<WebhookReceipt['status']>
  /** There is an event to be processed. */
  onRecorded: () => void
}

/**
 * Makes a receiver: it looks at no byte of a body before its signature is found right. Whether the data of an event can be
 * used is found out later: its sender could do nothing about it.
 * @returns a function that throws {AppError} `webhooks-disabled`; those of signatures; `malformed-json`,
 * `validation-failed`, `unsupported-media-type`; those of the database
 */
export function createWebhookReceiver({ isEnabled, verifySignature, record, onRecorded }: ReceiverOptions): Receive {
  return async (headers, body) => {
    if (!isEnabled) throw new AppError('webhooks-disabled', 'No secret for webhooks is configured here.')
    const { scheme, secretNumber, eventId: signedId } = verifySignature(headers, body)
    const { id, type, occurredAtMs } = readEnvelope(readJson(body, headers))
    // Standard Webhooks signs the id beside the body. A header field that is not signed says nothing.
    const eventId = signedId ?? id
    const status = await record({ eventId, type, occurredAtMs, body, scheme, secretNumber })
    if (status === 'accepted') onRecorded()
    return { status, eventId }
  }
}
