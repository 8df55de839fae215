import fp from 'fastify-plugin'
import { type ChangeFeed, createChangeFeed } from '../../src/catalogue/change-feed/change-feed.ts'
import { createChangeWaiters } from '../../src/catalogue/change-feed/change-waiters.ts'

declare module 'fastify' {
  interface FastifyInstance {
    changeFeed: ChangeFeed
  }
}

/** `changeFeed`: the change log for clients. Nobody waits for it while the service stops. */
export default fp(
  async (app) => {
    const { index: changeIndex } = app.changeLog
    const waiters = createChangeWaiters(changeIndex)
    app.decorate('changeFeed', createChangeFeed({ database: app.database, changeIndex, waiters }))
    app.metrics.gauge({
      name: 'aisle_changes_waiters',
      help: 'Requests that are waiting for changes.',
      collect() {
        this.set(waiters.count)
      }
    })
    app.lifecycle.onDraining(waiters.close)
    app.addHook('preClose', async () => waiters.close())
  },
  { name: 'change-feed', dependencies: ['change-log', 'lifecycle', 'metrics', 'mysql'] }
)
