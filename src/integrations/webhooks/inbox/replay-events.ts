import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { EventStatus, WebhookReplayResult } from '../../../../schemas/webhook-inbox.ts'
import { EVENT_TYPES } from '../../../../schemas/webhooks.ts'
import type { Database } from '../../../platform/database/database.ts'
import { retryContention } from '../../../platform/database/transaction.ts'
import { AppError } from '../../../platform/errors/app-error.ts'
import { eventNotFound } from './read-events.ts'

type Transactions = Pick<Database, 'transaction'>

/** The number of events that are replayed in one transaction. */
const MAX_EVENTS = 500
const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES)
const FINISHED: readonly EventStatus[] = ['done', 'stale', 'ignored', 'dead']

const LOCK = 'SELECT status, type FROM webhook_events WHERE id = ? FOR UPDATE'
const FIND_DEAD = `SELECT id FROM webhook_events FORCE INDEX (webhook_events_type)
  WHERE type = ? AND status = 'dead' AND id > ? ORDER BY id LIMIT ?`
// As on arrival. The counts of its deliveries stay, and so do its failed attempts.
const REPLAY = `UPDATE webhook_events FORCE INDEX (PRIMARY)
  SET status = 'pending', attempts = 0, next_attempt_at = UTC_TIMESTAMP(3), last_error = NULL, finished_at = NULL
  WHERE id IN (?) AND status IN (?)`

/**
 * Makes a finished event pending again. Writes since then stay: the event has the effect of a late delivery.
 * @param id its number in the inbox
 * @throws {AppError} `webhook-event-not-found`; `webhook-event-not-replayable` if it is not finished, or if its type has no
 * effect
 */
export async function replayEvent(database: Transactions, id: string): Promise<void> {
  await retryContention(() =>
    database.transaction(async (connection) => {
      const [[event]] = await connection.query<({ status: EventStatus; type: string } & RowDataPacket)[]>(LOCK, [id])
      if (event === undefined) throw eventNotFound(id)
      if (!FINISHED.includes(event.status)) throw notReplayable(`The event is ${event.status}, so it is not finished.`)
      if (!KNOWN_TYPES.has(event.type)) throw notReplayable(`Events of the type ${event.type} have no effect.`)
      await connection.query(REPLAY, [[id], FINISHED])
    })
  )
}

/**
 * Makes all dead events of a type pending again, the oldest first, in steps. Events that die again during the replay are
 * not replayed a second time.
 * @param signal ends the replay after the step in progress
 */
export async function replayDead(
  database: Transactions,
  type: string,
  signal: AbortSignal
): Promise<WebhookReplayResult> {
  let replayed = 0
  let lastId: number | undefined = 0
  while (lastId !== undefined && !signal.aborted) {
    const afterId: number = lastId
    const step = await retryContention(() =>
      database.transaction((connection) => replayStep(connection, type, afterId))
    )
    replayed += step.replayed
    lastId = step.lastId
  }
  return { replayed, hasMore: lastId !== undefined }
}

async function replayStep(connection: Connection, type: string, afterId: number) {
  const [dead] = await connection.query<({ id: number } & RowDataPacket)[]>(FIND_DEAD, [type, afterId, MAX_EVENTS])
  if (dead.length === 0) return { replayed: 0, lastId: undefined }
  // A simultaneous replay may have taken some of them.
  const [{ affectedRows }] = await connection.query<ResultSetHeader>(REPLAY, [dead.map(({ id }) => id), ['dead']])
  return { replayed: affectedRows, lastId: dead.length < MAX_EVENTS ? undefined : dead.at(-1)?.id }
}

function notReplayable(detail: string): AppError {
  return new AppError('webhook-event-not-replayable', detail)
}
