import { Type } from '@sinclair/typebox'
import { IDEMPOTENCY_KEY_PATTERN } from './patterns.ts'
import { problemResponse } from './problem.ts'
import { Product } from './products.ts'
import { Ref } from './types.ts'

/** The conditions that a write may come with. */
export const ConditionHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'Write only what has one of these entity tags; `*`: only what is there.' })
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'Write only what has none of these entity tags; `*`: only what is not there.' })
  )
})

/** What makes a write safe to repeat. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: IDEMPOTENCY_KEY_PATTERN,
      description:
        'A text of your choice, one for each thing to be done, such as a UUID: however often the request is sent with it, ' +
        'it is done once, and answered the same for 24 hours. 1 to 255 printable ASCII characters.'
    })
  )
})

export const KeyedConditionHeaders = Type.Object({ ...ConditionHeaders.properties, ...IdempotencyHeaders.properties })

const etag = { type: 'string', description: 'The entity tag of this state of the product, for `If-Match`.' }
const location = { type: 'string', description: 'The path of the product.' }
const replayed = { type: 'string', description: '`true`: it was done before, and this is what was answered then.' }
/** Products are sent as ready bytes: a repeated request gets those of the first one. */
const content = { 'application/json': { schema: Type.Unsafe<Buffer>(Ref(Product)) } }

/** Problems of every write. */
export const problems = {
  400: problemResponse('The body or the id is wrong: `errors` names each field; or the body is no JSON.'),
  413: problemResponse('The body has more than 128 KiB.'),
  415: problemResponse('The body has another content type, charset or content coding than this route takes.'),
  503: problemResponse(
    'The database does not answer. It may have been written all the same: look before you try again, or send the same ' +
      '`Idempotency-Key`.'
  )
}
export const notFound = problemResponse('There is no such product.')
export const conditionFailed = problemResponse(
  'The product is not in a state that `If-Match` or `If-None-Match` allows.'
)
export const skuConflict = problemResponse('Another product has this sku: `productId` says which.')
export const stockConflict = problemResponse('The stock would fall below zero, or above what can be counted.')

export const keyReused = problemResponse(
  '`idempotency-key-reused`: the `Idempotency-Key` has come with another request before.'
)

export function orInUse({ description }: { description: string }) {
  return problemResponse(
    `${description} Or \`idempotency-key-in-use\`: a request with this key is under way, and has an answer soon.`
  )
}

export function created(description: string) {
  return { description, headers: { ETag: etag, Location: location }, content }
}

export function written(description: string) {
  return { description, headers: { ETag: etag }, content }
}

export function keyed<Response extends { headers: object }>(response: Response) {
  return { ...response, headers: { ...response.headers, 'Idempotent-Replayed': replayed } }
}
