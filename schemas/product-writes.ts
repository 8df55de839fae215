import { Type } from '@sinclair/typebox'
import { IDEMPOTENCY_KEY_PATTERN } from './patterns.ts'
import { problemResponse } from './problem.ts'
import { Product } from './products.ts'
import { Ref } from './types.ts'

/** The preconditions of a write (RFC 9110, 13.1). */
export const ConditionHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'Write only if the product has one of these entity tags; `*`: only if it exists.' })
  ),
  'if-none-match': Type.Optional(
    Type.String({
      description: 'Write only if the product has none of these entity tags; `*`: only if it does not exist.'
    })
  )
})

/** The header field that makes a write safe to repeat. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: IDEMPOTENCY_KEY_PATTERN,
      description:
        'A unique text of your choice for each operation, such as a UUID. However often you send the request with it, the ' +
        'operation is performed once, and the response is the same for 24 hours. 1 to 255 printable ASCII characters.'
    })
  )
})

/** The header fields of a write with both. */
export const KeyedConditionHeaders = Type.Object({ ...ConditionHeaders.properties, ...IdempotencyHeaders.properties })

const etag = { type: 'string', description: 'The entity tag of this state of the product, for `If-Match`.' }
const location = { type: 'string', description: 'The path of the product.' }
const replayed = {
  type: 'string',
  description: '`true`: the operation was performed before, and this is the response of that time.'
}
/** Products are sent as ready bytes: a repeated request gets those of the first one. */
const content = { 'application/json': { schema: Type.Unsafe<Buffer>(Ref(Product)) } }

/** The problems of every write. */
export const problems = {
  400: problemResponse('The body is not JSON, or a field or the id is invalid: `errors` names each.'),
  413: problemResponse('The body is larger than 128 KiB.'),
  415: problemResponse('This route does not accept the content type, the charset or the content coding of the body.'),
  503: problemResponse(
    'The database is unavailable. The write may have been committed nevertheless: check before you retry, or retry with ' +
      'the same `Idempotency-Key`.'
  )
}
/** The 404 of a write to a product that does not exist. */
export const notFound = problemResponse('There is no such product.')
/** The 412 of a write whose precondition failed. */
export const conditionFailed = problemResponse(
  'The product is not in a state that `If-Match` or `If-None-Match` allows.'
)
/** The 409 of a write with a sku that is taken. */
export const skuConflict = problemResponse('Another product has this sku; `productId` names it.')
/** The 409 of a stock adjustment. */
export const stockConflict = problemResponse('The stock would fall below zero or exceed its maximum.')

/** The 422 of a write whose `Idempotency-Key` was used before. */
export const keyReused = problemResponse(
  '`idempotency-key-reused`: the `Idempotency-Key` was sent with a different request before.'
)

/** Adds the 409 of a keyed request that is still running to another 409. */
export function orInUse({ description }: { description: string }) {
  return problemResponse(
    `${description} Or \`idempotency-key-in-use\`: a request with this key is still running. Retry soon.`
  )
}

/** A 201 with the product and its path. */
export function created(description: string) {
  return { description, headers: { ETag: etag, Location: location }, content }
}

/** A 200 with the product. */
export function written(description: string) {
  return { description, headers: { ETag: etag }, content }
}

/** Adds the header field of replayed responses to a response. */
export function keyed<Response extends { headers: object }>(response: Response) {
  return { ...response, headers: { ...response.headers, 'Idempotent-Replayed': replayed } }
}
