import { type Static, Type } from '@sinclair/typebox'
import { fieldExamples, fieldInputs, newFieldInputs, STOCK_MAX } from './product-fields.ts'

export const ProductInput = Type.Object(newFieldInputs, {
  $id: 'ProductInput',
  additionalProperties: false,
  description: 'A product as a client describes it. A field that is not there is null, the stock 0.',
  examples: [fieldExamples]
})
export type ProductInput = Static<typeof ProductInput>

export const ProductPatch = Type.Partial(Type.Object(fieldInputs), {
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
