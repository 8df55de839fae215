import { EVENT_ID_PATTERN, EVENT_TYPE_PATTERN, type WebhookEvent } from '../../../../schemas/webhooks.ts'
import { validationFailed } from '../../../platform/errors/app-error.ts'
import { isJsonObject } from '../../../platform/http/json-body.ts'
import { parseRfc3339 } from '../../../platform/lib/timestamps.ts'

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
