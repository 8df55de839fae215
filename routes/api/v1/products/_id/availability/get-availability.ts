import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Availability } from '../../../../../../schemas/availability.ts'
import { problemResponse } from '../../../../../../schemas/problem.ts'
import { ProductParams } from '../../../../../../schemas/products.ts'
import { Ref } from '../../../../../../schemas/types.ts'

/** `GET /api/v1/products/{id}/availability` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { findAvailability } = app
  const { readYourWrites } = app.changeLog

  app.get(
    '',
    {
      config: { access: 'public-read', limits: 'list', isBounded: true },
      schema: {
        operationId: 'getAvailability',
        summary: 'Get the live stock of a product',
        description:
          'The stock at the supplier. If the supplier cannot answer in time, the stock in the catalogue: a fault of the ' +
          'supplier is never an error here.',
        tags: ['Products'],
        params: ProductParams,
        response: {
          200: {
            description: 'The availability of the product.',
            headers: { 'Cache-Control': { type: 'string', description: '`no-store`.' } },
            content: { 'application/json': { schema: Ref(Availability) } }
          },
          400: problemResponse('The id is not a UUID.'),
          404: problemResponse('There is no such product.'),
          503: problemResponse('The database is unavailable. Retry after `Retry-After` seconds.')
        }
      }
    },
    async (request, reply) => {
      const availability = await findAvailability(request.params.id, readYourWrites.versionFor(request.keyId))
      reply.header('cache-control', 'no-store')
      return availability
    }
  )
}

export default route
