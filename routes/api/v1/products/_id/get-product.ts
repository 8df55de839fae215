import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { Product, ProductParams } from '../../../../../schemas/products.ts'
import { cacheHeaders, notModified } from '../../../../../schemas/responses.ts'
import { Ref } from '../../../../../schemas/types.ts'

/** `GET /api/v1/products/{id}` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { productResponses } = app
  const { sendCached } = app.cache

  app.get(
    '',
    {
      config: { access: 'public-read', limits: 'list', isBounded: true },
      schema: {
        operationId: 'getProduct',
        summary: 'Get one product',
        tags: ['Products'],
        params: ProductParams,
        response: {
          200: {
            description: 'The product.',
            headers: {
              ...cacheHeaders,
              ETag: { type: 'string', description: 'The entity tag of this state of the product.' },
              'Last-Modified': { type: 'string', description: 'The time of its last change, to the second.' }
            },
            content: { 'application/json': { schema: Ref(Product) } }
          },
          304: notModified,
          400: problemResponse('The id is not a UUID.'),
          404: problemResponse('There is no such product.'),
          503: problemResponse('The database is unavailable. Retry after `Retry-After` seconds.')
        }
      }
    },
    (request, reply) => sendCached(request, reply, productResponses.product(request.params.id))
  )
}

export default route
