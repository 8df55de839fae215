import { type Static, Type } from '@sinclair/typebox'
import { fieldExamples, fieldInputs, newFieldInputs, STOCK_MAX } from './product-fields.ts'

/** The body of a request that creates or replaces a product. */
export const ProductInput = Type.Object(newFieldInputs, {
  $id: 'ProductInput',
  additionalProperties: false,
  description: 'A product to create or replace. Missing fields get their defaults: null, or 0 for the stock.',
  examples: [fieldExamples]
})
export type ProductInput = Static<typeof ProductInput>

/** The body of a request that changes some fields of a product, as a merge patch (RFC 7396). */
export const ProductPatch = Type.Partial(Type.Object(fieldInputs), {
  $id: 'ProductPatch',
  additionalProperties: false,
  description:
    'The fields to change, as a merge patch (RFC 7396): null removes a field, missing fields stay as they are.',
  examples: [{ price: '11.90', description: null }]
})
export type ProductPatch = Static<typeof ProductPatch>

/** The body of a request that adds to a stock, or takes from it. */
export const StockAdjustment = Type.Object(
  {
    delta: Type.Integer({
      minimum: -STOCK_MAX,
      maximum: STOCK_MAX,
      description: 'The amount to add to the stock; a negative one takes from it.'
    })
  },
  { $id: 'StockAdjustment', additionalProperties: false, examples: [{ delta: -3 }] }
)
export type StockAdjustment = Static<typeof StockAdjustment>
