import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { ProductChangePage, ProductChangesQuery } from '../../../../../schemas/changes.ts'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { Ref } from '../../../../../schemas/types.ts'

/** It comes in ready bytes. */
const ReadyPage = Type.Unsafe<Buffer>(Ref(ProductChangePage))

/** `GET /api/v1/products/changes` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { changeFeed } = app

  app.get(
    '',
    {
      config: { access: 'any-key', limits: 'list', isBounded: true, mayWait: true },
      schema: {
        operationId: 'listProductChanges',
        summary: 'Follow what changes',
        description:
          'Every create, update and delete, in the order of their commits. Keep `nextCursor` with what you have made of ' +
          'the page, and come back with it as `since`: nothing is left out, and nothing comes twice. With `wait`, the ' +
          'answer to a reader who has everything comes as soon as there is more. Changes are kept for a time: a 410 ' +
          'means that some that you have not read are gone.',
        tags: ['Products'],
        querystring: ProductChangesQuery,
        response: {
          200: {
            description: 'The changes after `since`, none when there are none yet.',
            headers: { 'Cache-Control': { type: 'string', description: 'Not to be stored.' } },
            content: { 'application/json': { schema: ReadyPage } }
          },
          400: problemResponse('A parameter is wrong: `errors` names it. `invalid-cursor`: `since` is not ours.'),
          410: problemResponse(
            '`cursor-expired`: what follows `since` is not kept any longer. Read the catalogue anew.'
          ),
          503: problemResponse('The database does not answer, or too many wait; try again after `Retry-After` seconds.')
        }
      }
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store').type('application/json; charset=utf-8')
      return await changeFeed.read(request.query, request.signal)
    }
  )
}

export default route
