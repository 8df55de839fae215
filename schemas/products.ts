import { type Static, Type } from '@sinclair/typebox'
import { PRICE_PATTERN, UUID_PATTERN } from './patterns.ts'
import { CATEGORY_MAX_LENGTH, fieldExamples, fieldOutputs } from './product-fields.ts'
import { Ref, StringEnum } from './types.ts'

export const SEARCH_MAX_LENGTH = 200
export const CURSOR_MAX_LENGTH = 2048
export const CATEGORIES_MAX_ITEMS = 20

export const productExample = {
  id: '019a8c1e-4b7f-7c3a-9d52-6f0e1b2a3c4d',
  ...fieldExamples,
  createdAt: '2026-03-01T09:30:00.000Z',
  updatedAt: '2026-03-02T17:05:12.481Z'
}

export const Product = Type.Object(
  {
    id: Type.String({ pattern: UUID_PATTERN, description: 'A UUID, version 7 unless the client chose it.' }),
    ...fieldOutputs,
    createdAt: Type.String({ format: 'date-time', description: 'UTC, with milliseconds.' }),
    updatedAt: Type.String({ format: 'date-time', description: 'UTC, with milliseconds.' })
  },
  { $id: 'Product', description: 'A product of the catalogue.', examples: [productExample] }
)
export type Product = Static<typeof Product>

export const Pagination = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 100, description: 'The page size that was asked for.' }),
    hasMore: Type.Boolean({
      description: 'Whether `nextCursor` leads on. A page may be short, or empty, and the list go on all the same.'
    }),
    nextCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'Leads to the page after this one; null at the end.'
    }),
    prevCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'Leads to the page before this one; null at the start.'
    }),
    total: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'How many products the whole list has. There with the parameter `total`.'
      })
    ),
    totalIsExact: Type.Optional(
      Type.Boolean({
        description:
          'Whether that many were counted. Else `total` is about right with `total=estimate`, and with `total=exact` ' +
          'the list has at least as many.'
      })
    )
  },
  { $id: 'Pagination', description: 'Where this page lies in the list.' }
)
export type Pagination = Static<typeof Pagination>

export const ProductPage = Type.Object(
  { data: Type.Array(Ref(Product)), pagination: Ref(Pagination) },
  {
    $id: 'ProductPage',
    description: 'One page of products, always in the order that was asked for.',
    examples: [
      { data: [productExample], pagination: { limit: 20, hasMore: false, nextCursor: null, prevCursor: null } }
    ]
  }
)
export type ProductPage = Static<typeof ProductPage>

export const SORT_KEYS = ['createdAt', 'updatedAt', 'price', 'name'] as const
export type SortKey = (typeof SORT_KEYS)[number]

/** Which products a list and an export have. */
export const filterParameters = {
  category: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: CATEGORY_MAX_LENGTH }), {
      minItems: 1,
      maxItems: CATEGORIES_MAX_ITEMS,
      description: 'Products of this category, exactly as written; repeat it for any of several.',
      examples: [['Beverages']]
    })
  ),
  minPrice: Type.Optional(
    Type.String({ pattern: PRICE_PATTERN, description: 'The lowest price, inclusive.', examples: ['5'] })
  ),
  maxPrice: Type.Optional(
    Type.String({ pattern: PRICE_PATTERN, description: 'The highest price, inclusive.', examples: ['19.99'] })
  ),
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: SEARCH_MAX_LENGTH,
      description:
        'Words that must all stand in the name or the description: whole words in any order, without regard to case ' +
        'and accents; the last one also as the beginning of a word.',
      examples: ['assam tea']
    })
  )
}

export const ProductListQuery = Type.Object(
  {
    ...filterParameters,
    sortBy: Type.Optional(
      StringEnum(SORT_KEYS, { description: 'What to sort by; ties are sorted by id.', default: 'createdAt' })
    ),
    sortOrder: Type.Optional(StringEnum(['asc', 'desc'], { description: 'The direction.', default: 'desc' })),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'How many products a page has at most.' })
    ),
    total: Type.Optional(
      StringEnum(['estimate', 'exact'], {
        description:
          'Also tells how many products there are: about, at no cost to speak of, or counted, up to a limit of cost. ' +
          'Nothing is counted without it.'
      })
    ),
    cursor: Type.Optional(
      Type.String({
        maxLength: CURSOR_MAX_LENGTH,
        description: 'A `nextCursor` or `prevCursor` of an earlier answer to the same filters and sort.'
      })
    )
  },
  { additionalProperties: false }
)
export type ProductListQuery = Static<typeof ProductListQuery>

export const ProductParams = Type.Object(
  { id: Type.String({ pattern: UUID_PATTERN, description: 'The id of a product.', examples: [productExample.id] }) },
  { additionalProperties: false }
)
