import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import { logWork } from '../../src/integrations/webhooks/process/log-work.ts'
import { openWebhookWorker, WORKER_TIMEOUT_MS } from '../../src/integrations/webhooks/process/webhook-worker.ts'

/** Applies what webhooks say, as it comes, where this instance is to do so. */
export default fp(
  async (app) => {
    if (!app.config.webhooks.isWorkerEnabled) return
    const { changeLog } = app
    const processed = app.metrics.counter({
      name: 'aisle_webhooks_processed_total',
      help: 'Webhook events that this instance has processed, by result: done, stale (newer data was there already), dead (given up after the last attempt).',
      labelNames: ['status']
    })
    const durations = app.metrics.histogram({
      name: 'aisle_webhooks_batch_duration_seconds',
      help: 'Time from claiming a batch of up to 100 webhook events to committing their effects.'
    })
    const batches = durations.series({})
    const ages = app.metrics
      .histogram({
        name: 'aisle_webhooks_processing_seconds',
        help: 'Time from receiving a webhook event to committing its effect.'
      })
      .series({})
    const worker = openWebhookWorker({
      database: app.openConnection(WORKER_TIMEOUT_MS),
      nowMs: Date.now,
      randomBytes,
      random: Math.random,
      onApplied({ settled, productIds, durationMs, waitsMs }) {
        for (const { status } of settled) processed.inc({ status })
        batches.observe(durationMs / 1000)
        for (const waitedMs of waitsMs) ages.observe((waitedMs + durationMs) / 1000)
        changeLog.index.markWritten(productIds)
        changeLog.tail.readNow()
      },
      ...logWork(app.log)
    })
    app.webhooks.onRecorded(worker.wake)
    app.addHook('onClose', () => worker.stop())
  },
  { name: 'webhook-worker', dependencies: ['change-log', 'metrics', 'mysql', 'webhooks'] }
)
