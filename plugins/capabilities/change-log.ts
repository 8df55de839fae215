import fp from 'fastify-plugin'
import { type ChangeIndex, createChangeIndex } from '../../src/catalogue/change-log/change-index.ts'
import { type ChangeTail, openChangeTail, TAIL_TIMEOUT_MS } from '../../src/catalogue/change-log/change-tail.ts'
import { createReadYourWrites, type ReadYourWrites } from '../../src/catalogue/change-log/read-your-writes.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    changeLog: { index: ChangeIndex; tail: ChangeTail; readYourWrites: ReadYourWrites }
  }
}

/** `changeLog`: follows the change log, and indexes its latest changes. */
export default fp(
  async (app) => {
    const outageLog = createOutageLog('The change log', app.log)
    const nowMs = () => performance.now()
    const index = createChangeIndex()
    const tail = openChangeTail({
      // A connection of its own: behind a busy pool the tail would be late, and everything would be read again.
      database: app.openConnection(TAIL_TIMEOUT_MS),
      index,
      nowMs,
      onFailure: outageLog.down,
      onSuccess: outageLog.up
    })
    // Until then nothing that is read can be cached.
    await tail.firstReading
    app.decorate('changeLog', { index, tail, readYourWrites: createReadYourWrites(index, nowMs) })
    app.metrics.gauge({
      name: 'aisle_changes_lag_seconds',
      help: 'Time since this instance last read the change log to its end.',
      collect() {
        this.set((nowMs() - tail.readAtMs) / 1000)
      }
    })
    app.addHook('onClose', async () => tail.stop())
  },
  { name: 'change-log', dependencies: ['metrics', 'mysql'] }
)
