import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { purgeStep } from '../../src/catalogue/change-log/product-changes.ts'
import { purgeStoredResponses } from '../../src/edge/idempotency/keyed-transaction.ts'
import { purgeInbox } from '../../src/integrations/webhooks/inbox/purge-inbox.ts'
import { startRepeating } from '../../src/platform/lib/repeat.ts'
import { toDatetime } from '../../src/platform/lib/timestamps.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

/** Keeps the change log, answers to be repeated, and webhooks as long as they are to be kept. */
export default fp(
  async (app) => {
    const { database } = app
    const { retentionMs } = app.config.changes
    purge(app, {
      what: 'The purge of the change log',
      metric: {
        name: 'aisle_changes_purged_rows_total',
        help: 'Rows of the change log that were deleted because their retention time was over.'
      },
      step: () => purgeStep(database, toDatetime(Date.now() - retentionMs))
    })
    purge(app, {
      what: 'The purge of idempotency keys',
      metric: {
        name: 'aisle_idempotency_purged_keys_total',
        help: 'Idempotency keys that were deleted because their 24 hours were over.'
      },
      step: () => purgeStoredResponses(database)
    })
    purge(app, {
      what: 'The purge of webhooks',
      metric: {
        name: 'aisle_webhooks_purged_events_total',
        help: 'Webhook events that were deleted because their retention time was over.'
      },
      step: () => purgeInbox(database, app.config.webhooks.retentionMs)
    })
  },
  { name: 'purges', dependencies: ['metrics', 'mysql'] }
)

interface Purge {
  /** Deletes some rows. */
  step: () => Promise<{ purged: number; isComplete: boolean }>
  /** As the log calls it. */
  what: string
  metric: { name: string; help: string }
}

function purge(app: FastifyInstance, { what, metric, step }: Purge): void {
  const availability = createOutageLog(what, app.log)
  const purged = app.metrics.counter(metric)
  const repeated = startRepeating({
    async step() {
      const result = await step()
      purged.inc(result.purged)
      return result
    },
    onFailure: availability.down,
    onSuccess: availability.up
  })
  app.addHook('onClose', async () => repeated.stop())
}
