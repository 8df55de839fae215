import fp from 'fastify-plugin'
import { type ChangeTail, openChangeTail, TAIL_TIMEOUT_MS } from '../../src/catalogue/change-log/change-tail.ts'
import { type ChangeView, createChangeView } from '../../src/catalogue/change-log/change-view.ts'
import { createReadYourWrites, type ReadYourWrites } from '../../src/catalogue/change-log/read-your-writes.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    changes: { view: ChangeView; tail: ChangeTail; ownWrites: ReadYourWrites }
  }
}

/** `changes`: what this instance knows of the change log, which it follows. */
export default fp(
  async (app) => {
    const availability = createOutageLog('The change log', app.log)
    const nowMs = () => performance.now()
    const view = createChangeView()
    const tail = openChangeTail({
      // Behind a busy pool it would come too late, and everything would be read anew.
      database: app.openConnection(TAIL_TIMEOUT_MS),
      view,
      nowMs,
      onFailure: availability.down,
      onSuccess: availability.up
    })
    // Whatever is read before is not to be kept.
    await tail.firstReading
    app.decorate('changes', { view, tail, ownWrites: createReadYourWrites(view, nowMs) })
    app.metrics.gauge({
      name: 'aisle_changes_lag_seconds',
      help: 'How long ago this instance last read the change log to its end.',
      collect() {
        this.set((performance.now() - tail.readAtMs) / 1000)
      }
    })
    app.addHook('onClose', async () => tail.stop())
  },
  { name: 'changes', dependencies: ['metrics', 'mysql'] }
)
