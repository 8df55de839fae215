import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { EventStatus, WebhookReplayResult } from '../../../../schemas/webhook-inbox.ts'
import { EVENT_TYPES } from '../../../../schemas/webhooks.ts'
import type { Database } from '../../../platform/database/database.ts'
import { retryContention } from '../../../platform/database/retry-contention.ts'
import { AppError } from '../../../platform/errors/app-error.ts'
import { eventNotFound } from './stored-event.ts'

type Transactions = Pick<Database, 'transaction'>

/** Of one transaction. */
const MAX_EVENTS = 500
const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES)

const LOCK = 'SELECT status, type FROM webhook_events WHERE id = ? FOR UPDATE'
const FIND_DEAD = `SELECT id FROM webhook_events FORCE INDEX (webhook_events_type)
  WHERE type = ? AND status = 'dead' AND id > ? ORDER BY id LIMIT ?`
// As it was when it came. What is known of it stays, and so do its failed attempts.
const REPLAY = `UPDATE webhook_events FORCE INDEX (PRIMARY)
  SET status = 'pending', attempts = 0, next_attempt_at = UTC_TIMESTAMP(3), last_error = NULL, finished_at = NULL
  WHERE id IN (?) AND status IN (?)`
const FINISHED: readonly EventStatus[] = ['done', 'stale', 'ignored', 'dead']

/**
 * Has an event processed again, that was finished. Its effect is that of any late event: what has been written since
 * stays.
 * @param id its number in the inbox
 * @throws {AppError} `webhook-event-not-found`; `webhook-event-not-replayable` while it is to be processed anyhow, and
 * where nothing follows from its type
 */
export async function replayEvent(database: Transactions, id: string): Promise<void> {
  await retryContention(() =>
    database.transaction(async (connection) => {
      const [[event]] = await connection.query<({ status: EventStatus; type: string } & RowDataPacket)[]>(LOCK, [id])
      if (event === undefined) throw eventNotFound(id)
      if (!FINISHED.includes(event.status)) throw notReplayable(`The event is ${event.status}: it is not finished.`)
      if (!KNOWN_TYPES.has(event.type)) throw notReplayable(`Nothing follows from the type ${event.type}.`)
      await connection.query(REPLAY, [[id], FINISHED])
    })
  )
}

/**
 * Has all events of a type processed again that are dead, the oldest first, some at a time. Those that die again
 * meanwhile are not tried once more.
 * @param signal ends it after the step that is under way
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
  // Whoever replays at the same time has some of them already.
  const [{ affectedRows }] = await connection.query<ResultSetHeader>(REPLAY, [dead.map(({ id }) => id), ['dead']])
  return { replayed: affectedRows, lastId: dead.length < MAX_EVENTS ? undefined : dead.at(-1)?.id }
}

function notReplayable(detail: string): AppError {
  return new AppError('webhook-event-not-replayable', detail)
}
