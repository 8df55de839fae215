import type { EventStatus, StoredWebhookEvent } from '../../../../schemas/webhook-inbox.ts'
import { datetimeToTimestamp } from '../../../platform/database/datetime.ts'
import { AppError } from '../../../platform/errors/app-error.ts'

/** A row of the inbox, as far as lists show it. */
export interface StoredEventRow {
  id: number
  event_id: string
  type: string
  status: EventStatus
  attempts: number
  occurred_at: string
  received_at: string
  next_attempt_at: string
  finished_at: string | null
  duplicates: number
  has_conflict: number
  last_error: string | null
}

export const storedEventColumns =
  'id, event_id, type, status, attempts, occurred_at, received_at, next_attempt_at, finished_at, duplicates, ' +
  'has_conflict, last_error'

export function toStoredEvent(row: StoredEventRow): StoredWebhookEvent {
  return {
    id: String(row.id),
    eventId: row.event_id,
    type: row.type,
    status: row.status,
    attempts: row.attempts,
    occurredAt: datetimeToTimestamp(row.occurred_at),
    receivedAt: datetimeToTimestamp(row.received_at),
    nextAttemptAt: row.status === 'pending' ? datetimeToTimestamp(row.next_attempt_at) : null,
    finishedAt: row.finished_at && datetimeToTimestamp(row.finished_at),
    duplicates: row.duplicates,
    hasConflict: row.has_conflict !== 0,
    lastError: row.last_error
  }
}

export function eventNotFound(id: string): AppError {
  return new AppError('webhook-event-not-found', `There is no webhook event ${id}, or it is not kept any longer.`)
}
