import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../schemas/problem.ts'

/** `GET /metrics`. Exempt from load shedding: what happens under load is what metrics are for. */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { metrics } = app
  const { requireKey } = app.config.metrics

  app.get(
    '',
    {
      config: { access: requireKey ? 'ops:read' : 'open', limits: 'exempt' },
      schema: {
        operationId: 'getMetrics',
        summary: 'What does this instance measure?',
        description:
          'All metrics in the text format of Prometheus. Public, unless `METRICS_REQUIRE_KEY` is set; then a key needs ' +
          'the scope `ops:read`.',
        tags: ['Operations'],
        response: {
          200: { description: 'the metrics', content: { 'text/plain': { schema: Type.String() } } },
          '4xx': problemResponse('The request could not be read.')
        }
      }
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store').type(metrics.contentType)
      return metrics.exposition()
    }
  )
}

export default route
