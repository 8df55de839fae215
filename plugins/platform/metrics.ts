import fp from 'fastify-plugin'
import { createMetrics, type Metrics } from '../../src/platform/metrics/metrics.ts'
import { addPoolMetrics } from '../../src/platform/metrics/pool-metrics.ts'
import { addProcessMetrics } from '../../src/platform/metrics/process-metrics.ts'
import { addRequestMetrics } from '../../src/platform/metrics/request-metrics.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

/** `metrics`: what this instance measures. Other plugins add to it. */
export default fp(
  async (app) => {
    const metrics = createMetrics()
    app.requestLog.onEnd(addRequestMetrics(metrics))
    addPoolMetrics(metrics, app.database.usage)
    const stopMeasuring = addProcessMetrics(metrics)

    app.decorate('metrics', metrics)
    app.addHook('onClose', async () => stopMeasuring())
  },
  { name: 'metrics', dependencies: ['mysql', 'request-log'] }
)
