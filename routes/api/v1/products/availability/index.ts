import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Availability } from '../../../../../schemas/availability.ts'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { ProductParams } from '../../../../../schemas/products.ts'
import { Ref } from '../../../../../schemas/types.ts'
import type { FindAvailability } from '../../../../../src/integrations/supplier/find-availability.ts'

/** A path below a product. */
export const autoPrefix = '/api/v1/products'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const find = app.getDecorator<FindAvailability>('findAvailability')
  const { readYourWrites } = app.changeLog

  app.get(
    '/:id/availability',
    {
      config: { access: 'public-read', limits: 'list', isBounded: true },
      schema: {
        operationId: 'getAvailability',
        summary: 'How many there are',
        description:
          'What the supplier has of the product; where it can’t answer, or not in time, the stock that is in the ' +
          'catalogue. A fault of the supplier is never an error here.',
        tags: ['Products'],
        params: ProductParams,
        response: {
          200: {
            description: 'The availability of the product.',
            headers: { 'Cache-Control': { type: 'string', description: 'Not to be stored.' } },
            content: { 'application/json': { schema: Ref(Availability) } }
          },
          400: problemResponse('The id is not a UUID.'),
          404: problemResponse('There is no such product.'),
          503: problemResponse('The database does not answer; try again after `Retry-After` seconds.')
        }
      }
    },
    async (request, reply) => {
      const availability = await find(request.params.id, readYourWrites.versionFor(request.keyId))
      reply.header('cache-control', 'no-store')
      return availability
    }
  )
}

export default routes
