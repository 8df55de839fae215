import fp from 'fastify-plugin'
import { purgeChanges } from '../src/changes/purge-changes.ts'
import { availabilityLog } from '../src/health/availability-log.ts'

/** Keeps the change log as long as it is configured to be. */
export default fp(
  async (app) => {
    const availability = availabilityLog('The purge of the change log', app.log)
    const purged = app.metrics.counter({
      name: 'aisle_changes_purged_rows_total',
      help: 'Rows of the change log that this instance has deleted.'
    })
    const purge = purgeChanges({
      database: app.database,
      retentionMs: app.config.changes.retentionMs,
      nowMs: Date.now,
      onPurged: (rows) => purged.inc(rows),
      onFailure: availability.down,
      onSuccess: availability.up
    })
    app.addHook('onClose', async () => purge.stop())
  },
  { name: 'change-purge', dependencies: ['metrics', 'mysql'] }
)
