import { type Static, Type } from '@sinclair/typebox'
import { PRICE_PATTERN, UUID_PATTERN } from './patterns.ts'
import { CATEGORY_MAX_LENGTH, fieldExamples, fieldOutputs } from './product-fields.ts'
import { Ref, StringEnum } from './types.ts'

/** The longest search, in characters. */
export const SEARCH_MAX_LENGTH = 200
/** The longest cursor that is read, in characters. */
export const CURSOR_MAX_LENGTH = 2048
/** The most categories that a list is filtered by. */
export const CATEGORIES_MAX_ITEMS = 20

/** A product for examples in the OpenAPI document. */
export const productExample = {
  id: '019a8c1e-4b7f-7c3a-9d52-6f0e1b2a3c4d',
  ...fieldExamples,
  createdAt: '2026-03-01T09:30:00.000Z',
  updatedAt: '2026-03-02T17:05:12.481Z'
}

/** A product of the catalogue, as it is in responses. */
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

/** The place of a page in its list, with cursors to the pages next to it. */
export const Pagination = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 100, description: 'The requested page size.' }),
    hasMore: Type.Boolean({
      description: 'Whether there is a next page. A page can be short, or even empty, while `hasMore` is true.'
    }),
    nextCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'The cursor of the next page; null at the end of the list.'
    }),
    prevCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'The cursor of the previous page; null at the start of the list.'
    }),
    total: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'The number of products in the whole list. Present with the parameter `total`.'
      })
    ),
    totalIsExact: Type.Optional(
      Type.Boolean({
        description:
          'Whether `total` was counted. Otherwise it is an estimate with `total=estimate`, and a lower bound with ' +
          '`total=exact`.'
      })
    )
  },
  { $id: 'Pagination', description: 'The place of this page in the list.' }
)
export type Pagination = Static<typeof Pagination>

/** A page of products. */
export const ProductPage = Type.Object(
  { data: Type.Array(Ref(Product)), pagination: Ref(Pagination) },
  {
    $id: 'ProductPage',
    description: 'One page of products, in the requested order.',
    examples: [
      { data: [productExample], pagination: { limit: 20, hasMore: false, nextCursor: null, prevCursor: null } }
    ]
  }
)
export type ProductPage = Static<typeof ProductPage>

/** What lists can be sorted by. */
export const SORT_KEYS = ['createdAt', 'updatedAt', 'price', 'name'] as const
/** A field that a list can be sorted by. */
export type SortKey = (typeof SORT_KEYS)[number]

/** The filters of lists, facets and exports. */
export const filterParameters = {
  category: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: CATEGORY_MAX_LENGTH }), {
      minItems: 1,
      maxItems: CATEGORIES_MAX_ITEMS,
      description: 'Products of this category, exactly as written. Repeat it to match any of several.',
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
        'Words that must all occur in the name or the description: whole words in any order, regardless of case and ' +
        'accents. The last word also matches as a prefix.',
      examples: ['assam tea']
    })
  )
}

/** The query parameters of a list of products. */
export const ProductListQuery = Type.Object(
  {
    ...filterParameters,
    sortBy: Type.Optional(
      StringEnum(SORT_KEYS, { description: 'The sort key. Ties are sorted by id.', default: 'createdAt' })
    ),
    sortOrder: Type.Optional(StringEnum(['asc', 'desc'], { description: 'The direction.', default: 'desc' })),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'The maximum number of products on a page.' })
    ),
    total: Type.Optional(
      StringEnum(['estimate', 'exact'], {
        description:
          'Adds the number of products in the list: an estimate, which costs almost nothing, or an exact count up to a ' +
          'limit of cost. By default nothing is counted.'
      })
    ),
    cursor: Type.Optional(
      Type.String({
        maxLength: CURSOR_MAX_LENGTH,
        description: 'The `nextCursor` or `prevCursor` of an earlier page with the same filters and sort.'
      })
    )
  },
  { additionalProperties: false }
)
export type ProductListQuery = Static<typeof ProductListQuery>

/** The path parameters of a product. */
export const ProductParams = Type.Object(
  { id: Type.String({ pattern: UUID_PATTERN, description: 'The id of a product.', examples: [productExample.id] }) },
  { additionalProperties: false }
)
