import { type Static, Type } from '@sinclair/typebox'
import { PRICE_PATTERN, patternDetails, SKU_PATTERN } from './patterns.ts'
import {
  CATEGORY_MAX_LENGTH,
  DESCRIPTION_MAX_LENGTH,
  NAME_MAX_LENGTH,
  Nullable,
  productExample,
  STOCK_MAX
} from './products.ts'

/*
 * What clients send. The schemas say which fields there are and of what type; texts are trimmed before they are
 * measured (src/products/product-fields.ts), so their lengths are in the descriptions.
 */

const text = (what: string, maxLength: number) =>
  `${what} Control characters and runs of white space become one space; at most ${maxLength} characters then.`

const fields = {
  sku: Nullable(Type.String(), `The stock keeping unit: unique, case-sensitive; ${patternDetails[SKU_PATTERN]}.`),
  name: Type.String({ description: text('Not empty.', NAME_MAX_LENGTH) }),
  description: Nullable(Type.String(), text('Free text.', DESCRIPTION_MAX_LENGTH)),
  price: Type.Unsafe<number | string>({
    type: ['number', 'string'],
    description: `A number or a decimal string; ${patternDetails[PRICE_PATTERN]}.`
  }),
  category: Nullable(Type.String(), text('The one category of the product.', CATEGORY_MAX_LENGTH)),
  stock: Type.Integer({ minimum: 0, maximum: STOCK_MAX })
}

const { id, createdAt, updatedAt, ...example } = productExample

export const ProductInput = Type.Object(
  {
    ...fields,
    sku: Type.Optional(fields.sku),
    description: Type.Optional(fields.description),
    category: Type.Optional(fields.category),
    stock: Type.Optional({ ...fields.stock, default: 0 })
  },
  {
    $id: 'ProductInput',
    additionalProperties: false,
    description: 'A product as a client describes it. A field that is not there is null, the stock 0.',
    examples: [example]
  }
)
export type ProductInput = Static<typeof ProductInput>

export const ProductPatch = Type.Partial(Type.Object(fields), {
  $id: 'ProductPatch',
  additionalProperties: false,
  description: 'The fields to change, as a merge patch (RFC 7396): null removes a field, others stay as they are.',
  examples: [{ price: '11.90', description: null }]
})
export type ProductPatch = Static<typeof ProductPatch>

export const StockAdjustment = Type.Object(
  {
    delta: Type.Integer({
      minimum: -STOCK_MAX,
      maximum: STOCK_MAX,
      description: 'What is added to the stock; negative to take from it.'
    })
  },
  { $id: 'StockAdjustment', additionalProperties: false, examples: [{ delta: -3 }] }
)
export type StockAdjustment = Static<typeof StockAdjustment>
