import { type Static, type TObject, Type } from '@sinclair/typebox'
import { SKU_PATTERN } from './patterns.ts'
import { STOCK_MAX } from './product-fields.ts'
import { ProductInput, ProductPatch } from './product-inputs.ts'
import { StringEnum } from './types.ts'

/** The id of an event: 1 to 190 printable ASCII characters, compared byte by byte. */
export const EVENT_ID_PATTERN = '^[!-~]{1,190}$'
/** The type of an event: 1 to 64 printable ASCII characters. */
export const EVENT_TYPE_PATTERN = '^[!-~]{1,64}$'

export const WebhookEvent = Type.Object(
  {
    id: Type.String({
      pattern: EVENT_ID_PATTERN,
      description:
        'Identifies the event, and is the same on every delivery of it: 1 to 190 printable ASCII characters without ' +
        'spaces. With Standard Webhooks the signed `webhook-id` identifies it instead.'
    }),
    type: Type.String({
      pattern: EVENT_TYPE_PATTERN,
      description:
        'What happened: 1 to 64 printable ASCII characters without spaces. Events of unknown types are recorded and ignored.'
    }),
    occurredAt: Type.String({
      format: 'date-time',
      description:
        'When it happened (RFC 3339), to the millisecond. Events take effect in this order, not in the order of deliveries.'
    }),
    data: Type.Object({}, { additionalProperties: true, description: 'The details. Their form depends on `type`.' })
  },
  {
    $id: 'WebhookEvent',
    description: 'Something that happened in another system.',
    examples: [
      {
        id: 'evt_0042',
        type: 'product.stock_changed',
        occurredAt: '2026-03-02T17:05:12.481Z',
        data: { sku: 'TEA-0042', stock: 37 }
      }
    ]
  }
)
export type WebhookEvent = Static<typeof WebhookEvent>

export const WebhookReceipt = Type.Object(
  {
    status: StringEnum(['accepted', 'duplicate', 'ignored'], {
      description:
        '`accepted`: the event is recorded. `duplicate`: it had been recorded before. `ignored`: it is recorded, but its ' +
        'type is unknown and has no effect.'
    }),
    eventId: WebhookEvent.properties.id
  },
  { $id: 'WebhookReceipt', examples: [{ status: 'accepted', eventId: 'evt_0042' }] }
)
export type WebhookReceipt = Static<typeof WebhookReceipt>

const sku = Type.String({ pattern: SKU_PATTERN, description: 'The sku of the product.' })
const stock = Type.Integer({
  minimum: 0,
  maximum: STOCK_MAX,
  description: 'The number of items in stock: the new total, not the change.'
})

/** The schema of `data` for each type of event that has an effect. */
export const eventData = {
  'product.created': Type.Object({ ...ProductInput.properties, sku }),
  'product.updated': Type.Object({ ...ProductPatch.properties, sku }),
  'product.deleted': Type.Object({ sku }),
  'product.price_changed': Type.Object({ sku, price: ProductInput.properties.price }),
  'product.stock_changed': Type.Object({ sku, stock })
} satisfies Record<string, TObject>

/** A type of event that has an effect. */
export type EventType = keyof typeof eventData
/** The types of events that have an effect. */
export const EVENT_TYPES = Object.keys(eventData) as EventType[]

const { id, occurredAt } = WebhookEvent.properties
const descriptions: Readonly<Record<EventType, string>> = {
  'product.created': 'A product was created. Absent fields are null, and an absent stock is 0.',
  'product.updated': 'Some fields of a product were changed. Absent fields stay as they are.',
  'product.deleted': 'A product was deleted.',
  'product.price_changed': 'The price of a product changed.',
  'product.stock_changed': 'The stock of a product changed.'
}

/** The schema of the whole event, for each type that has an effect. */
export const webhookEvents = EVENT_TYPES.map((type) =>
  Type.Object(
    { id, type: Type.Literal(type), occurredAt, data: eventData[type] },
    { $id: schemaName(type), description: descriptions[type] }
  )
)

/** Makes `ProductPriceChangedEvent` of `product.price_changed`. */
function schemaName(type: EventType): string {
  const words = type.split(/[._]/).map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  return `${words.join('')}Event`
}
