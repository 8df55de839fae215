import { type ProductField, requiredFields } from '../../../../schemas/product-fields.ts'
import type { EventType } from '../../../../schemas/webhooks.ts'
import type { SkuWrite } from '../../../catalogue/products/apply-register-writes.ts'
import {
  type NewFields,
  type ProductFields,
  readNamedFields,
  registeredFields,
  withDefaults
} from '../../../catalogue/products/fields.ts'
import { existing, MAX_AHEAD_MS, type RegisterWrite } from '../../../catalogue/products/last-writer-wins.ts'
import { parseJson } from '../../../platform/http/request-body.ts'

/** The part of a recorded event that determines its effect. */
export interface RecordedEvent {
  type: string
  eventId: string
  /** Unix time. */
  occurredAtMs: number
  /** The bytes of the delivery, which are JSON with an envelope. */
  body: Buffer
}

/** The event can never be applied. The message is the reason. */
export class InvalidEventError extends Error {
  override name = 'InvalidEventError'
}

type Fields = Partial<ProductFields>

/** How the data of one type of event is read. */
interface Reader {
  /** The fields that must be there, apart from the sku. */
  required: readonly ProductField[]
  /** Fields that may be absent. Any other field is ignored. */
  optional: readonly ProductField[]
  toValues(fields: Fields): RegisterWrite['values']
}

const readers: { readonly [Type in EventType]: Reader } = {
  'product.created': {
    required: requiredFields,
    optional: registeredFields,
    // The required fields are there by now.
    toValues: (fields) => existing(withDefaults(fields as NewFields))
  },
  'product.updated': { required: [], optional: registeredFields, toValues: (fields) => fields },
  'product.deleted': { required: [], optional: [], toValues: () => ({ exists: false }) },
  'product.price_changed': { required: ['price'], optional: [], toValues: (fields) => fields },
  'product.stock_changed': { required: ['stock'], optional: [], toValues: (fields) => fields }
}

/**
 * Reads the effect of an event from its body and the columns recorded beside it. Fields of its data that its type does not
 * have are ignored.
 * @param nowMs Unix time
 * @throws {InvalidEventError} with every fault of its data; when `occurredAt` is more than 5 minutes ahead
 */
export function readEffect({ type, eventId, occurredAtMs, body }: RecordedEvent, nowMs: number): SkuWrite {
  if (!isKnown(type)) throw new InvalidEventError(`Events of the type ${type} have no effect.`)
  if (occurredAtMs > nowMs + MAX_AHEAD_MS) throw new InvalidEventError('occurredAt is more than 5 minutes ahead.')
  const { required, optional, toValues } = readers[type]
  const { sku, ...fields } = readData(body, ['sku', ...required], optional)
  // It is required, so it is a string.
  return { sku: String(sku), write: { atMs: occurredAtMs, eventId, values: toValues(fields) } }
}

function readData(body: Buffer, required: readonly ProductField[], optional: readonly ProductField[]): Fields {
  const { data } = parseJson(body) as { data: Readonly<Partial<Record<ProductField, unknown>>> }
  const reading = readNamedFields(data, required, optional)
  if ('fields' in reading) return reading.fields
  const details = reading.faults.map(({ field, detail }) => `data.${field} ${detail}`)
  throw new InvalidEventError(`${details.join('; ')}.`)
}

function isKnown(type: string): type is EventType {
  return Object.hasOwn(readers, type)
}
