import fp from 'fastify-plugin'
import { createConnectionCloser, createLifecycle, type Lifecycle } from '../../src/platform/lifecycle/lifecycle.ts'

declare module 'fastify' {
  interface FastifyInstance {
    lifecycle: Lifecycle
  }
}

/** `lifecycle`: what the whole service knows of its own stopping. */
export default fp(
  async (app) => {
    app.decorate('lifecycle', createLifecycle())
    const closeConnections = createConnectionCloser(app.server)
    app.addHook('preClose', async () => closeConnections())
  },
  { name: 'lifecycle' }
)
