import { type Static, type TObject, Type } from '@sinclair/typebox'
import { SKU_PATTERN } from './patterns.ts'
import { STOCK_MAX } from './product-fields.ts'
import { ProductInput, ProductPatch } from './product-inputs.ts'
import { StringEnum } from './types.ts'

/** An id must be the same on the next delivery, to the byte. */
export const EVENT_ID_PATTERN = '^[!-~]{1,190}$'
export const EVENT_TYPE_PATTERN = '^[!-~]{1,64}$'

export const WebhookEvent = Type.Object(
  {
    id: Type.String({
      pattern: EVENT_ID_PATTERN,
      description:
        'Says which event it is, the same on each delivery: 1 to 190 printable ASCII characters without spaces. With ' +
        'Standard Webhooks `webhook-id` says it instead.'
    }),
    type: Type.String({
      pattern: EVENT_TYPE_PATTERN,
      description:
        'What has happened: 1 to 64 printable ASCII characters without spaces. What is not known here is ignored.'
    }),
    occurredAt: Type.String({
      format: 'date-time',
      description:
        'When it happened, to the millisecond (RFC 3339): the order of events, whatever the order of deliveries.'
    }),
    data: Type.Object({}, { additionalProperties: true, description: 'What it says, depending on `type`.' })
  },
  {
    $id: 'WebhookEvent',
    description: 'Something that has happened elsewhere.',
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
      description: 'It is recorded; it was recorded before; it is recorded, and nothing follows from its type.'
    }),
    eventId: WebhookEvent.properties.id
  },
  { $id: 'WebhookReceipt', examples: [{ status: 'accepted', eventId: 'evt_0042' }] }
)
export type WebhookReceipt = Static<typeof WebhookReceipt>

const sku = Type.String({ pattern: SKU_PATTERN, description: 'Which product.' })
const stock = Type.Integer({
  minimum: 0,
  maximum: STOCK_MAX,
  description: 'How many there are then; not by how many they have changed.'
})

/** What each type of event has as `data`. */
export const eventData = {
  'product.created': Type.Object({ ...ProductInput.properties, sku }),
  'product.updated': Type.Object({ ...ProductPatch.properties, sku }),
  'product.deleted': Type.Object({ sku }),
  'product.price_changed': Type.Object({ sku, price: ProductInput.properties.price }),
  'product.stock_changed': Type.Object({ sku, stock })
} satisfies Record<string, TObject>

export type EventType = keyof typeof eventData
export const EVENT_TYPES = Object.keys(eventData) as EventType[]

const { id, occurredAt } = WebhookEvent.properties
const descriptions: Readonly<Record<EventType, string>> = {
  'product.created': 'A product was made. Fields that are not there are null, the stock 0.',
  'product.updated': 'Some fields of a product were changed. Others stay as they are.',
  'product.deleted': 'A product was deleted.',
  'product.price_changed': 'A product has another price.',
  'product.stock_changed': 'A product has another stock.'
}

/** The types of events that something follows from, each with its schema. */
export const webhookEvents = EVENT_TYPES.map((type) =>
  Type.Object(
    { id, type: Type.Literal(type), occurredAt, data: eventData[type] },
    { $id: schemaName(type), description: descriptions[type] }
  )
)

/** `ProductPriceChangedEvent` of `product.price_changed`. */
function schemaName(type: EventType): string {
  const words = type.split(/[._]/).map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  return `${words.join('')}Event`
}
