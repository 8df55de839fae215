import { Type } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { Product } from '../../../../../schemas/products.ts'
import { Ref } from '../../../../../schemas/types.ts'

/** The conditions that a write may come with. */
export const ConditionHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'Write only what has one of these entity tags; `*`: only what is there.' })
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'Write only what has none of these entity tags; `*`: only what is not there.' })
  )
})

const etag = { type: 'string', description: 'The entity tag of this state of the product, for `If-Match`.' }
const location = { type: 'string', description: 'The path of the product.' }
const content = { 'application/json': { schema: Ref(Product) } }

/** Problems of every write. */
export const problems = {
  400: problemResponse('The body or the id is wrong: `errors` names each field; or the body is no JSON.'),
  413: problemResponse('The body has more than 128 KiB.'),
  415: problemResponse('The body has another content type, charset or content coding than this route takes.'),
  503: problemResponse(
    'The database does not answer. It may have been written all the same: look before you try again.'
  )
}
export const notFound = problemResponse('There is no such product.')
export const conditionFailed = problemResponse(
  'The product is not in a state that `If-Match` or `If-None-Match` allows.'
)
export const skuConflict = problemResponse('Another product has this sku: `productId` says which.')
export const stockConflict = problemResponse('The stock would fall below zero, or above what can be counted.')

export function created(description: string) {
  return { description, headers: { ETag: etag, Location: location }, content }
}

export function written(description: string) {
  return { description, headers: { ETag: etag }, content }
}
