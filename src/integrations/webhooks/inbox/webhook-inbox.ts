import type {
  StoredWebhookEventDetails,
  StoredWebhookEventPage,
  StoredWebhookEventsQuery,
  WebhookReplayResult
} from '../../../../schemas/webhook-inbox.ts'
import type { Database } from '../../../platform/database/database.ts'
import { findEvent, listEvents } from './read-events.ts'
import { replayDead, replayEvent } from './replay-events.ts'

/** The recorded events, for operators. Every method throws {AppError} when the database does not answer. */
export interface WebhookInbox {
  /**
   * Lists events, the latest arrival first.
   * @throws {AppError} `invalid-cursor`, `cursor-mismatch`
   */
  list(query: StoredWebhookEventsQuery): Promise<StoredWebhookEventPage>
  /**
   * Finds one event, with its body and its failed attempts.
   * @param id its number in the inbox
   * @throws {AppError} `webhook-event-not-found`
   */
  find(id: string): Promise<StoredWebhookEventDetails>
  /**
   * Makes a finished event pending again. Writes since then stay: the event has the effect of a late delivery.
   * @param id its number in the inbox
   * @returns the event as it is afterwards
   * @throws {AppError} `webhook-event-not-found`, `webhook-event-not-replayable`
   */
  replay(id: string): Promise<StoredWebhookEventDetails>
  /**
   * Makes all dead events of a type pending again, the oldest first, in steps.
   * @param signal ends the replay after the step in progress
   */
  replayDead(type: string, signal: AbortSignal): Promise<WebhookReplayResult>
}

/**
 * Creates the inbox of webhooks.
 * @param onReplayed is called whenever events have become pending again
 */
export function createWebhookInbox(database: Database, onReplayed: () => void): WebhookInbox {
  return {
    list: (query) => listEvents(database, query),
    find: (id) => findEvent(database, id),
    async replay(id) {
      await replayEvent(database, id)
      onReplayed()
      return await findEvent(database, id)
    },
    async replayDead(type, signal) {
      const result = await replayDead(database, type, signal)
      onReplayed()
      return result
    }
  }
}
