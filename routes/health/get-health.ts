import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { healthResponses, healthStatus } from '../../schemas/health.ts'

/** `GET /health`. Probes are exempt from every limit: an instance whose probe is refused gets killed. */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { health } = app

  app.get(
    '',
    {
      config: { access: 'open', limits: 'exempt' },
      schema: {
        operationId: 'getHealth',
        summary: 'What state is each dependency in?',
        tags: ['Operations'],
        response: healthResponses
      }
    },
    async (_request, reply) => {
      const report = await health()
      reply.code(healthStatus(report)).header('cache-control', 'no-store')
      return report
    }
  )
}

export default route
