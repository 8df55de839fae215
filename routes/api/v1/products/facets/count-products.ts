import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Facets, FacetsQuery } from '../../../../../schemas/facets.ts'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { cacheHeaders, notModified } from '../../../../../schemas/responses.ts'
import { Ref } from '../../../../../schemas/types.ts'
import { parseFilters } from '../../../../../src/catalogue/listing/query/list-query.ts'

/** `GET /api/v1/products/facets` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { productResponses } = app
  const { sendCached } = app.cache

  app.get(
    '',
    {
      config: { access: 'public-read', limits: 'list', isBounded: true },
      schema: {
        operationId: 'countProducts',
        summary: 'Count products by category and price',
        description:
          'Counts the products of a list by category and by price band. Takes the filters of the list. Where counting ' +
          'would be too expensive the counts are estimates, and `isExact` is false.',
        tags: ['Products'],
        querystring: FacetsQuery,
        response: {
          200: {
            description: 'The counts.',
            headers: {
              ...cacheHeaders,
              ETag: { type: 'string', description: 'The weak entity tag of the counts, for `If-None-Match`.' }
            },
            content: { 'application/json': { schema: Ref(Facets) } }
          },
          304: notModified,
          400: problemResponse('A parameter is invalid; `errors` names it.'),
          503: problemResponse('The database is unavailable. Retry after `Retry-After` seconds.')
        }
      }
    },
    (request, reply) => sendCached(request, reply, productResponses.facets(parseFilters(request.query)))
  )
}

export default route
