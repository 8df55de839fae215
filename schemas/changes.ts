import { type Static, Type } from '@sinclair/typebox'
import { CURSOR_MAX_LENGTH, Product } from './products.ts'
import { Ref, StringEnum } from './types.ts'

/** The number of changes on a page where the client does not say. */
export const CHANGES_LIMIT_DEFAULT = 100

const cursor = 'AQAAAAAAKgAAq1w9c2V0uVgP3s0nV4dXhw'
const productExample = Product.examples[0]

export const ProductChange = Type.Object(
  {
    type: StringEnum(['upsert', 'delete'], {
      description: 'upsert: the product was created or changed; delete: it was deleted.'
    }),
    id: Type.Index(Product, ['id']),
    sku: Type.Index(Product, ['sku']),
    at: Type.String({ format: 'date-time', description: 'The time of the change. UTC, with milliseconds.' }),
    product: Type.Optional(Ref(Product))
  },
  {
    $id: 'ProductChange',
    description:
      'One change of a product. `product` is its current state, which may be newer than the change. It is missing with ' +
      '`delete`, and when the product has been deleted since.'
  }
)
export type ProductChange = Static<typeof ProductChange>

export const ProductChangePage = Type.Object(
  {
    data: Type.Array(Ref(ProductChange)),
    pagination: Type.Object({
      nextCursor: Type.String({
        description: 'Send it as `since` in the next request. Always present, even when `data` is empty.'
      }),
      hasMore: Type.Boolean({ description: 'Whether more changes are available now.' })
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
        description: 'The `nextCursor` of an earlier page. Without it the feed starts at the beginning.',
        examples: [cursor]
      })
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: CHANGES_LIMIT_DEFAULT,
        description: 'The maximum number of changes on a page.'
      })
    ),
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 30,
        default: 0,
        description: 'How many seconds to wait for a change when there is none yet.'
      })
    )
  },
  { additionalProperties: false }
)
export type ProductChangesQuery = Static<typeof ProductChangesQuery>
