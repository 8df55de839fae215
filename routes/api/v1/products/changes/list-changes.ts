import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { ProductChangePage, ProductChangesQuery } from '../../../../../schemas/changes.ts'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { Ref } from '../../../../../schemas/types.ts'

/** The page is sent as ready bytes. */
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
        summary: 'Follow changes',
        description:
          'Every create, update and delete, in commit order. Store `nextCursor` together with what you made of the page, ' +
          'and send it as `since` next time: no change is skipped, and none comes twice. With `wait`, a request that finds ' +
          'no change is answered as soon as there is one. Changes are kept for a limited time: a 410 means that changes ' +
          'you have not read are gone.',
        tags: ['Products'],
        querystring: ProductChangesQuery,
        response: {
          200: {
            description: 'The changes after `since`; empty when there are none yet.',
            headers: { 'Cache-Control': { type: 'string', description: '`no-store`.' } },
            content: { 'application/json': { schema: ReadyPage } }
          },
          400: problemResponse(
            'A parameter is invalid; `errors` names it. `invalid-cursor`: `since` was not issued by this service.'
          ),
          410: problemResponse(
            '`cursor-expired`: the changes after `since` are no longer kept. Read the whole catalogue again.'
          ),
          503: problemResponse(
            'The database is unavailable, or too many clients wait. Retry after `Retry-After` seconds.'
          )
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
