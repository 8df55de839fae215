import fp from 'fastify-plugin'
import { createMetrics, type Metrics } from '../src/metrics/metrics.ts'
import { addPoolMetrics } from '../src/metrics/pool-metrics.ts'
import { addProcessMetrics } from '../src/metrics/process-metrics.ts'
import { addRequestMetrics } from '../src/metrics/request-metrics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

/** `metrics`: what this instance measures. Other plugins add to it. */
export default fp(
  async (app) => {
    const metrics = createMetrics()
    const { countRequest, countAborted, countCacheOutcome } = addRequestMetrics(metrics)
    addPoolMetrics(metrics, app.database.usage)
    const stopMeasuring = addProcessMetrics(metrics)

    app.decorate('metrics', metrics)
    app.addHook('onResponse', (request, reply, done) => {
      countRequest(request.method, request.routeOptions.url, reply.statusCode, reply.elapsedTime / 1000)
      if (request.cacheOutcome) countCacheOutcome(request.cacheOutcome)
      done()
    })
    app.addHook('onRequestAbort', (request, done) => {
      countAborted(request.method, request.routeOptions.url)
      done()
    })
    app.addHook('onClose', async () => stopMeasuring())
  },
  { name: 'metrics', dependencies: ['access-log', 'mysql'] }
)
