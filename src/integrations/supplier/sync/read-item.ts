import { type ProductField, requiredFields } from '../../../../schemas/product-fields.ts'
import type { SkuWrite } from '../../../catalogue/products/apply-register-writes.ts'
import { fieldDefaults, readNamedFields, registeredFields } from '../../../catalogue/products/fields.ts'
import { MAX_AHEAD_MS } from '../../../catalogue/products/last-writer-wins.ts'
import { isJsonObject } from '../../../platform/http/request-body.ts'
import { parseRfc3339 } from '../../../platform/lib/timestamps.ts'

/** The reason why an item of a feed makes no write. */
export interface ItemRefusal {
  /** The sku of the item, if it has one. */
  sku: string | null
  /** All faults of the item, separated by semicolons. */
  detail: string
}

/** The position of an item: the number of its page, counted over all runs, and its index in the page. */
export interface ItemPlace {
  page: number
  index: number
}

const REQUIRED: readonly ProductField[] = ['sku', ...requiredFields]
/** The optional fields of which null is no value: suppliers send it for what they don't know. */
const NEVER_NULL = Object.entries(fieldDefaults).flatMap(([name, value]) => (value === null ? [] : [name]))

/**
 * Reads an item of a feed into a write as of its `updatedAt`: the product exists with these fields, or is deleted. Optional
 * fields that are missing stay as they are. Other fields are ignored.
 */
export function readItem(item: unknown, place: ItemPlace, nowMs: number): SkuWrite | ItemRefusal {
  if (!isJsonObject(item)) return { sku: null, detail: 'is not an object' }
  const isDeleted = item.deleted === true
  const unknown = NEVER_NULL.filter((name) => item[name] === null)
  const input = { ...item, ...Object.fromEntries(unknown.map((name) => [name, undefined])) }
  const reading = readNamedFields(input, isDeleted ? ['sku'] : REQUIRED, isDeleted ? [] : registeredFields)
  const atMs = typeof item.updatedAt === 'string' ? parseRfc3339(item.updatedAt) : undefined
  const details = [
    ...('faults' in reading ? reading.faults.map(({ field, detail }) => `${field} ${detail}`) : []),
    ...(isDeleted || typeof (item.deleted ?? false) === 'boolean' ? [] : ['deleted must be true or false']),
    ...faultsOfMoment(item.updatedAt, atMs, nowMs)
  ]
  if ('faults' in reading || atMs === undefined || details.length > 0) {
    return { sku: typeof item.sku === 'string' ? item.sku : null, detail: details.join('; ') }
  }
  const { sku, ...fields } = reading.fields
  const values = isDeleted ? { exists: false } : { ...fields, exists: true }
  // Always a string: the sku is required.
  return { sku: String(sku), write: { atMs, eventId: eventIdOf(place), values } }
}

function faultsOfMoment(updatedAt: unknown, atMs: number | undefined, nowMs: number): string[] {
  if (updatedAt === undefined || updatedAt === null) return ['updatedAt is required']
  if (atMs === undefined) return ['updatedAt must be a date and time as in RFC 3339']
  return atMs > nowMs + MAX_AHEAD_MS ? ['updatedAt is more than 5 minutes in the future'] : []
}

/**
 * Returns an event id that orders writes with the same timestamp. An item is the state after all changes of that time, so
 * it wins against every event: no event id starts with this character (`EVENT_ID_PATTERN`). Of two items the later one
 * wins: a supplier may date to the second, and change a product twice in one second.
 */
function eventIdOf({ page, index }: ItemPlace): string {
  return `\u007f${String(page).padStart(12, '0')}.${String(index).padStart(5, '0')}`
}
