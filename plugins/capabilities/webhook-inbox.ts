import fp from 'fastify-plugin'
import type {
  StoredWebhookEventDetails,
  StoredWebhookEventPage,
  StoredWebhookEventsQuery,
  WebhookReplayResult
} from '../../schemas/webhook-inbox.ts'
import { createBacklogReader } from '../../src/integrations/webhooks/inbox/backlog.ts'
import { findEvent } from '../../src/integrations/webhooks/inbox/find-event.ts'
import { listEvents } from '../../src/integrations/webhooks/inbox/list-events.ts'
import { replayDead, replayEvent } from '../../src/integrations/webhooks/inbox/replay-events.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

export interface WebhookInbox {
  list(query: StoredWebhookEventsQuery): Promise<StoredWebhookEventPage>
  find(id: string): Promise<StoredWebhookEventDetails>
  /** Answers the event as it is then. */
  replay(id: string): Promise<StoredWebhookEventDetails>
  replayDead(type: string, signal: AbortSignal): Promise<WebhookReplayResult>
}

declare module 'fastify' {
  interface FastifyInstance {
    webhookInbox: WebhookInbox
  }
}

/** `webhookInbox`: the events that were delivered, for operators; and how many wait, or are dead, for dashboards. */
export default fp(
  async (app) => {
    const { database, webhooks } = app
    app.decorate('webhookInbox', {
      list: (query) => listEvents(database, query),
      find: (id) => findEvent(database, id),
      async replay(id) {
        await replayEvent(database, id)
        webhooks.wake()
        return await findEvent(database, id)
      },
      async replayDead(type, signal) {
        const result = await replayDead(database, type, signal)
        webhooks.wake()
        return result
      }
    })

    const availability = createOutageLog('The count of webhooks', app.log)
    const readBacklog = createBacklogReader({ database, nowMs: () => performance.now() })
    /** Undefined while the database does not say: a scrape has the rest all the same. */
    async function backlog() {
      try {
        const read = await readBacklog()
        availability.up()
        return read
      } catch (error) {
        availability.down(error as Error)
        return undefined
      }
    }
    app.metrics.gauge({
      name: 'aisle_webhooks_events',
      help: 'Webhook events in the inbox, of all instances, by status: pending or dead. Each is counted up to 10000.',
      labelNames: ['status'],
      async collect() {
        const read = await backlog()
        this.reset()
        if (read === undefined) return
        this.set({ status: 'pending' }, read.pending)
        this.set({ status: 'dead' }, read.dead)
      }
    })
    app.metrics.gauge({
      name: 'aisle_webhooks_oldest_pending_age_seconds',
      help: 'Age of the oldest pending webhook event, of all instances; 0 if there is none.',
      async collect() {
        const read = await backlog()
        if (read === undefined) this.remove()
        else this.set(read.oldestPendingAgeSeconds)
      }
    })
  },
  { name: 'webhook-inbox', dependencies: ['metrics', 'mysql', 'webhooks'] }
)
