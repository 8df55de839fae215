import fp from 'fastify-plugin'
import { openWebhooks, type Webhooks } from '../../src/integrations/webhooks/receive/webhooks.ts'

declare module 'fastify' {
  interface FastifyInstance {
    webhooks: Webhooks
  }
}

/** `webhooks`: receives deliveries and records them. */
export default fp(
  async (app) => {
    const { config, database, log, metrics } = app
    const { secrets, toleranceSeconds } = config.webhooks
    const webhooks = openWebhooks({ database, secrets, toleranceSeconds, log, metrics })
    app.decorate('webhooks', webhooks)
    app.addHook('onClose', () => webhooks.close())
  },
  { name: 'webhooks', dependencies: ['metrics', 'mysql'] }
)
