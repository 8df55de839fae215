import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../schemas/problem.ts'
import { ProductListQuery, ProductPage } from '../../../../schemas/products.ts'
import { cacheHeaders, notModified } from '../../../../schemas/responses.ts'
import { Ref } from '../../../../schemas/types.ts'
import { parseListQuery } from '../../../../src/catalogue/listing/query/list-query.ts'
import { PRODUCTS_PATH } from '../../../../src/edge/cache/product-responses.ts'

/** `GET /api/v1/products` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { productResponses } = app
  const { sendCached } = app.cache

  app.get(
    '',
    {
      config: { access: 'public-read', limits: 'list', isBounded: true },
      schema: {
        operationId: 'listProducts',
        summary: 'List products',
        description:
          'Filter, search, sort and page. Follow `nextCursor` (or the `next` link) until it is null: every product comes ' +
          'exactly once, and the last page costs no more than the first. For rare search terms a page can be short, or ' +
          'even empty, while `hasMore` is true: only a null `nextCursor` ends the list.',
        tags: ['Products'],
        querystring: ProductListQuery,
        response: {
          200: {
            description: 'A page of products.',
            headers: {
              ...cacheHeaders,
              ETag: { type: 'string', description: 'The weak entity tag of the page, for `If-None-Match`.' },
              Link: { type: 'string', description: 'The pages around this one, as in RFC 8288.' }
            },
            content: { 'application/json': { schema: Ref(ProductPage) } }
          },
          304: notModified,
          400: problemResponse('A parameter is invalid; `errors` names it.'),
          503: problemResponse('The database is unavailable. Retry after `Retry-After` seconds.')
        }
      }
    },
    (request, reply) => sendCached(request, reply, productResponses.list(parseListQuery(request.query), PRODUCTS_PATH))
  )
}

export default route
