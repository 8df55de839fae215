import { EVENT_ID_PATTERN, EVENT_TYPE_PATTERN, type WebhookEvent } from '../../../../schemas/webhooks.ts'
import { validationFailed } from '../../../platform/errors/app-error.ts'
import { isJsonObject } from '../../../platform/lib/json-object.ts'
import { parseRfc3339 } from '../../../platform/lib/rfc3339.ts'

/** The envelope of an event. */
export interface Envelope {
  id: string
  type: string
  /** Unix time. */
  occurredAtMs: number
  data: Readonly<Record<string, unknown>>
}

const ID = new RegExp(EVENT_ID_PATTERN)
const TYPE = new RegExp(EVENT_TYPE_PATTERN)

/**
 * Reads the envelope of an event. What its data must be depends on its type, and is not looked at here; fields that are
 * not known may be there.
 * @param json as it was parsed
 * @throws {AppError} `validation-failed`, with everything that is wrong
 */
export function readEnvelope(json: unknown): Envelope {
  if (!isJsonObject(json)) throw validationFailed([{ pointer: '#', detail: 'must be an object' }])
  const { id, type, occurredAt, data }: Partial<Record<keyof WebhookEvent, unknown>> = json
  const occurredAtMs = typeof occurredAt === 'string' ? parseRfc3339(occurredAt) : undefined
  const isIdRight = typeof id === 'string' && ID.test(id)
  const isTypeRight = typeof type === 'string' && TYPE.test(type)
  if (isIdRight && isTypeRight && occurredAtMs !== undefined && isJsonObject(data))
    return { id, type, occurredAtMs, data }
  throw validationFailed([
    ...(isIdRight ? [] : [fault('id', id, 'must be 1 to 190 printable ASCII characters without spaces')]),
    ...(isTypeRight ? [] : [fault('type', type, 'must be 1 to 64 printable ASCII characters without spaces')]),
    ...(occurredAtMs === undefined ? [fault('occurredAt', occurredAt, 'must be a moment as in RFC 3339')] : []),
    ...(isJsonObject(data) ? [] : [fault('data', data, 'must be an object')])
  ])
}

function fault(field: string, value: unknown, detail: string) {
  return { pointer: `#/${field}`, detail: value === undefined ? 'is required' : detail }
}
