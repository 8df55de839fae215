import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../schemas/problem.ts'
import { AppError } from '../../src/errors.ts'
import type { Metrics } from '../../src/metrics/metrics.ts'

/** For scrapers. They are exempt from load shedding: what happens under load is what metrics are for. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const metrics = app.getDecorator<Metrics>('metrics')
  const { requireKey } = app.config.metrics

  app.get(
    '',
    {
      config: { pressureHandler: () => {} },
      schema: {
        operationId: 'getMetrics',
        summary: 'What does this instance measure?',
        description: 'All metrics in the text format of Prometheus. Public, unless `METRICS_REQUIRE_KEY` is set.',
        tags: ['Operations'],
        response: {
          200: { description: 'the metrics', content: { 'text/plain': { schema: Type.String() } } },
          401: problemResponse('A key is required here, and none that is valid was sent.'),
          '4xx': problemResponse('The request could not be read.')
        }
      }
    },
    async (_request, reply) => {
      if (requireKey) throw keyRequired()
      reply.header('cache-control', 'no-store').type(metrics.contentType)
      return metrics.exposition()
    }
  )
}

export default routes

function keyRequired(): AppError {
  return new AppError('unauthorized', 'A valid API key is required.', { headers: { 'www-authenticate': 'Bearer' } })
}
