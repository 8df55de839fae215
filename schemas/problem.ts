import { type Static, Type } from '@sinclair/typebox'
import { problemTypes } from './problem-types.ts'
import { Ref } from './types.ts'

/** The body of every error response (RFC 9457). */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'A URI that identifies the kind of problem.' }),
    title: Type.String({ description: 'A short summary of the kind of problem, always the same words.' }),
    status: Type.Integer({ minimum: 400, maximum: 599, description: 'The HTTP status.' }),
    detail: Type.String({ description: 'What went wrong this time.' }),
    instance: Type.String({ description: 'The path of the request.' }),
    code: Type.Unsafe<string>({
      anyOf: [{ type: 'string', enum: Object.keys(problemTypes) }, { type: 'string' }],
      description: 'A stable identifier for programs, in kebab-case. Later versions may add codes.'
    }),
    requestId: Type.String({ description: 'The id of the request, as in the header `X-Request-Id`.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          parameter: Type.Optional(Type.String({ description: 'The query, path or header parameter at fault.' })),
          pointer: Type.Optional(Type.String({ description: 'A JSON Pointer to the body field at fault.' })),
          detail: Type.String()
        }),
        { description: 'The faults of single parameters or fields.' }
      )
    ),
    productId: Type.Optional(Type.String({ description: 'The product that is in conflict with the request.' })),
    'violated-policies': Type.Optional(
      Type.Array(Type.String(), {
        description: 'Names of the rate limits that were exceeded, as in `RateLimit-Policy`.'
      })
    )
  },
  {
    $id: 'Problem',
    description: 'A problem (RFC 9457).',
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
/** The body of every error response (RFC 9457). */
export type Problem = Static<typeof Problem>

/**
 * Describes a problem response of a route, for the OpenAPI document.
 * @param description when it occurs
 */
export function problemResponse(description: string) {
  return { description, content: { 'application/problem+json': { schema: Ref(Problem) } } }
}
