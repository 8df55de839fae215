import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Liveness, unreadableRequest } from '../../../schemas/health.ts'
import { Ref } from '../../../schemas/types.ts'

/** `GET /health/liveness` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '',
    {
      config: { access: 'open', limits: 'exempt' },
      schema: {
        operationId: 'getLiveness',
        summary: 'Is the process alive?',
        description: 'Checks no dependency. Restart the process when this gets no response.',
        tags: ['Operations'],
        response: {
          200: { description: 'alive', content: { 'application/json': { schema: Ref(Liveness) } } },
          '4xx': unreadableRequest
        }
      }
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store')
      return { status: 'ok' as const }
    }
  )
}

export default route
