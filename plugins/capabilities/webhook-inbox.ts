import fp from 'fastify-plugin'
import { addBacklogMetrics } from '../../src/integrations/webhooks/inbox/backlog.ts'
import { createWebhookInbox, type WebhookInbox } from '../../src/integrations/webhooks/inbox/webhook-inbox.ts'

declare module 'fastify' {
  interface FastifyInstance {
    webhookInbox: WebhookInbox
  }
}

/** `webhookInbox`: the recorded webhook events, for operators; with metrics of the backlog. */
export default fp(
  async (app) => {
    const { database, log, metrics, webhooks } = app
    app.decorate('webhookInbox', createWebhookInbox(database, webhooks.notifyPending))
    addBacklogMetrics({ database, log, metrics })
  },
  { name: 'webhook-inbox', dependencies: ['metrics', 'mysql', 'webhooks'] }
)
