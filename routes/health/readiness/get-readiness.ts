import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Health, healthResponses, healthStatus } from '../../../schemas/health.ts'

/** `GET /health/readiness` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { health, lifecycle } = app

  app.get(
    '',
    {
      config: { access: 'open', limits: 'exempt' },
      schema: {
        operationId: 'getReadiness',
        summary: 'May this instance receive requests?',
        description:
          'No (503) without MySQL, with pending migrations and while draining. An instance is ready without Redis.',
        tags: ['Operations'],
        response: healthResponses
      }
    },
    async (_request, reply) => {
      const checked = await health()
      const report: Health = lifecycle.isDraining ? { ...checked, status: 'draining' } : checked
      reply.code(healthStatus(report)).header('cache-control', 'no-store')
      return report
    }
  )
}

export default route
