import { type Static, Type } from '@sinclair/typebox'
import { CURSOR_MAX_LENGTH, Product } from './products.ts'
import { Ref, StringEnum } from './types.ts'

export const CHANGES_LIMIT_DEFAULT = 100

const cursor = 'AQAAAAAAKgAAq1w9c2V0uVgP3s0nV4dXhw'
const productExample = Product.examples[0]

export const ProductChange = Type.Object(
  {
    type: StringEnum(['upsert', 'delete'], { description: 'It was made or changed, or it was deleted.' }),
    id: Type.Index(Product, ['id']),
    sku: Type.Index(Product, ['sku']),
    at: Type.String({ format: 'date-time', description: 'When it was changed: UTC, with milliseconds.' }),
    product: Type.Optional(Ref(Product))
  },
  {
    $id: 'ProductChange',
    description:
      'What has happened to one product. `product` is its state now, which may be newer than the change; it is not there ' +
      'when the product is gone by now, and never with `delete`.'
  }
)
export type ProductChange = Static<typeof ProductChange>

export const ProductChangePage = Type.Object(
  {
    data: Type.Array(Ref(ProductChange)),
    pagination: Type.Object({
      nextCursor: Type.String({
        description: 'To come back with, as `since`. Always there, also when `data` is empty.'
      }),
      hasMore: Type.Boolean({ description: 'Whether there was more already.' })
    })
  },
  {
    $id: 'ProductChangePage',
    description: 'Changes in the order in which they were committed.',
    examples: [
      {
        data: [
          {
            type: 'upsert',
            id: productExample.id,
            sku: productExample.sku,
            at: productExample.updatedAt,
            product: productExample
          },
          {
            type: 'delete',
            id: '019a8c1e-4b80-7c3a-9d52-6f0e1b2a3c4d',
            sku: 'TEA-0043',
            at: '2026-03-02T17:05:13.006Z'
          }
        ],
        pagination: { nextCursor: cursor, hasMore: false }
      }
    ]
  }
)
export type ProductChangePage = Static<typeof ProductChangePage>

export const ProductChangesQuery = Type.Object(
  {
    since: Type.Optional(
      Type.String({
        maxLength: CURSOR_MAX_LENGTH,
        description: 'The `nextCursor` of an earlier answer; without it, from the beginning.',
        examples: [cursor]
      })
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: CHANGES_LIMIT_DEFAULT,
        description: 'How many changes a page has at most.'
      })
    ),
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 30,
        default: 0,
        description: 'When there is nothing yet: for how many seconds to wait for it.'
      })
    )
  },
  { additionalProperties: false }
)
export type ProductChangesQuery = Static<typeof ProductChangesQuery>
