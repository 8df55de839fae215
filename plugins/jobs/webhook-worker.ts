import fp from 'fastify-plugin'
import { openWebhookWorker, WORKER_QUERY_TIMEOUT_MS } from '../../src/integrations/webhooks/process/webhook-worker.ts'

/** Applies recorded webhooks in this instance, unless that is left to others. */
export default fp(
  async (app) => {
    if (!app.config.webhooks.isWorkerEnabled) return
    const { changeLog, log, metrics, webhooks } = app
    const worker = openWebhookWorker({
      database: app.openConnection(WORKER_QUERY_TIMEOUT_MS),
      log,
      metrics,
      onApplied({ productIds }) {
        changeLog.index.markWritten(productIds)
        changeLog.tail.readNow()
      }
    })
    webhooks.onPending(worker.wake)
    app.addHook('onClose', () => worker.stop())
  },
  { name: 'webhook-worker', dependencies: ['change-log', 'metrics', 'mysql', 'webhooks'] }
)
