import { type Static, Type } from '@sinclair/typebox'
import { Ref } from './types.ts'

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'A URI that identifies the kind of problem.' }),
    title: Type.String({ description: 'What kind of problem it is, the same words each time.' }),
    status: Type.Integer({ minimum: 400, maximum: 599, description: 'The HTTP status.' }),
    detail: Type.String({ description: 'What went wrong this time.' }),
    instance: Type.String({ description: 'The path of the request.' }),
    code: Type.String({ description: 'A stable identifier for programs, in kebab-case.' }),
    requestId: Type.String({ description: 'The same as the header `X-Request-Id`.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          parameter: Type.Optional(Type.String({ description: 'The query, path or header parameter at fault.' })),
          pointer: Type.Optional(Type.String({ description: 'A JSON Pointer to the body field at fault.' })),
          detail: Type.String()
        }),
        { description: 'What is wrong with each part of the request.' }
      )
    ),
    productId: Type.Optional(Type.String({ description: 'The product that stands in the way.' })),
    'violated-policies': Type.Optional(
      Type.Array(Type.String(), { description: 'The limits that the request was beyond, as in `RateLimit-Policy`.' })
    )
  },
  {
    $id: 'Problem',
    description: 'A problem, as in RFC 9457.',
    examples: [
      {
        type: 'urn:aisle:problem:validation-failed',
        title: 'The request is not valid',
        status: 400,
        detail: 'limit must be <= 100',
        instance: '/api/v1/products',
        code: 'validation-failed',
        requestId: 'k3v9q2xw-1f',
        errors: [{ parameter: 'limit', detail: 'must be <= 100' }]
      }
    ]
  }
)
export type Problem = Static<typeof Problem>

/** A response that is a problem; `description` says when it comes. */
export function problemResponse(description: string) {
  return { description, content: { 'application/problem+json': { schema: Ref(Problem) } } }
}
