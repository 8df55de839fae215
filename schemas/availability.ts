import { type Static, Type } from '@sinclair/typebox'
import { Product, productExample } from './products.ts'
import { StringEnum } from './types.ts'

const { id, sku } = Product.properties

export const Availability = Type.Object(
  {
    productId: id,
    sku,
    available: Type.Integer({ minimum: 0, description: 'The number of items in stock.' }),
    source: StringEnum(['live', 'catalogue'], {
      description: 'live: reported by the supplier at most two seconds ago; catalogue: the stock of the product.'
    }),
    asOf: Type.String({
      format: 'date-time',
      description: 'When the source last changed the number. UTC, with milliseconds.'
    })
  },
  {
    $id: 'Availability',
    description: 'The live stock of a product.',
    examples: [
      {
        productId: productExample.id,
        sku: productExample.sku,
        available: 35,
        source: 'live',
        asOf: '2026-03-02T17:20:44.107Z'
      }
    ]
  }
)
export type Availability = Static<typeof Availability>
