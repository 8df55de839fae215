import fp from 'fastify-plugin'
import { type ChangeTail, TAIL_TIMEOUT_MS, tailChanges } from '../src/changes/change-tail.ts'
import { type ChangeView, createChangeView } from '../src/changes/change-view.ts'
import { createDatabase } from '../src/database/database.ts'
import { openPool } from '../src/database/pool.ts'
import { availabilityLog } from '../src/health/availability-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    changes: { view: ChangeView; tail: ChangeTail }
  }
}

/** A connection of its own: behind a busy pool the tail would come too late, and everything would be read anew. */
const LIMITS = { connectionLimit: 1, queueLimit: 1, queryTimeoutMs: TAIL_TIMEOUT_MS }

/** `changes`: what this instance knows of the change log, which it follows. */
export default fp(
  async (app) => {
    const pool = openPool(app.config.mysql, LIMITS)
    const availability = availabilityLog('The change log', app.log)
    const view = createChangeView()
    const tail = tailChanges({
      database: createDatabase(pool, LIMITS),
      view,
      nowMs: () => performance.now(),
      onFailure: availability.down,
      onSuccess: availability.up
    })
    // Whatever is read before is not to be kept.
    await tail.firstReading
    app.decorate('changes', { view, tail })
    app.metrics.gauge({
      name: 'aisle_changes_lag_seconds',
      help: 'How long ago this instance last read the change log to its end.',
      collect() {
        this.set((performance.now() - tail.readAtMs) / 1000)
      }
    })
    app.addHook('onClose', (_app, done) => {
      tail.stop()
      pool.end(() => done())
    })
  },
  { name: 'changes', dependencies: ['metrics', 'mysql'] }
)
