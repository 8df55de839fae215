import { hash } from 'node:crypto'
import { EVENT_TYPES, type WebhookReceipt } from '../../../../schemas/webhooks.ts'
import { WEBHOOK_RECORD_TIMEOUT_MS } from '../../../config/limits.ts'
import type { Database, Params } from '../../../platform/database/database.ts'
import { databaseTimeout, databaseUnavailable } from '../../../platform/database/database-error.ts'
import { retryContention } from '../../../platform/database/transaction.ts'
import { AppError } from '../../../platform/errors/app-error.ts'
import { type StartTimeout, withTimeLimit } from '../../../platform/lib/time-limit.ts'
import { toDatetime } from '../../../platform/lib/timestamps.ts'
import { createGroupCommit } from './group-commit.ts'
import type { SignatureScheme } from './verify-signature.ts'

/** A delivery whose signature is valid, and whose body has the envelope of an event. */
export interface Delivery {
  eventId: string
  type: string
  /** Unix time. */
  occurredAtMs: number
  /** The bytes as they arrived. */
  body: Buffer
  scheme: SignatureScheme
  /** The secret it was signed with, by its position in the configuration, from 1. */
  secretNumber: number
}

interface RecorderOptions {
  database: Pick<Database, 'execute'>
  /** Called with errors that no sender can fix, such as a full disk. */
  onFailure: (error: unknown) => void
  /** A monotonic clock. */
  monotonicMs?: () => number
  /** Starts the time limits. */
  startTimeout?: StartTimeout
}

interface Row extends Delivery {
  bodyHash: Buffer
  isIgnored: boolean
}

/** Event ids are unique within a source, and there is one source. */
const SOURCE = 'default'
const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES)

const INSERT = `INSERT INTO webhook_events
  (source, event_id, type, occurred_at, body, body_hash, scheme, secret_number,
    status, next_attempt_at, received_at, finished_at)
  VALUES `
const ROW = `('${SOURCE}', ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), IF(?, UTC_TIMESTAMP(3), NULL))`
const FIND = `SELECT id FROM webhook_events WHERE source = '${SOURCE}' AND event_id = ?`
// By the primary key: in the index of event ids it would also lock the gap before the event, where others are inserted.
const COUNT_DUPLICATE = `UPDATE webhook_events
  SET duplicates = duplicates + 1, has_conflict = has_conflict OR body_hash <> ? WHERE id = ?`

/**
 * Creates the recorder of deliveries. It records each event once: the unique key decides which of several deliveries is
 * the first, in whichever instances they arrive. When it returns, the event is committed.
 * @returns a function that throws {AppError} 503 when it cannot find out within a second whether the delivery is recorded.
 * The sender delivers again then; if it was recorded after all, that delivery is a duplicate
 */
export function createEventRecorder(
  options: RecorderOptions
): (delivery: Delivery) => Promise<WebhookReceipt['status']> {
  const { database, onFailure, monotonicMs = () => performance.now(), startTimeout } = options
  const insert = createGroupCommit<Row>({
    keyOf: ({ eventId }) => eventId,
    bytesOf: ({ body }) => body.length,
    async insertAll(rows) {
      const sql = INSERT + rows.map(() => ROW).join(', ')
      // Simultaneous inserts of one key deadlock when the first of them is rolled back.
      await retryContention(() => database.execute(sql, rows.flatMap(toParams)))
    },
    timeoutMs: WEBHOOK_RECORD_TIMEOUT_MS,
    monotonicMs
  })

  async function record(delivery: Delivery): Promise<WebhookReceipt['status']> {
    const bodyHash = hash('sha256', delivery.body, 'buffer')
    const isIgnored = !KNOWN_TYPES.has(delivery.type)
    for (;;) {
      if (await insert({ ...delivery, bodyHash, isIgnored })) return isIgnored ? 'ignored' : 'accepted'
      if (await countDuplicate(delivery.eventId, bodyHash)) return 'duplicate'
      // The first delivery was purged in between, so this one is new again.
    }
  }

  /**
   * Counts a duplicate, without a transaction, which would keep the row from the next of many simultaneous duplicates.
   * @returns false if the event no longer exists
   */
  async function countDuplicate(eventId: string, bodyHash: Buffer): Promise<boolean> {
    const [found] = await database.execute<{ id: number }>(FIND, [eventId])
    if (found === undefined) return false
    await retryContention(() => database.execute(COUNT_DUPLICATE, [bodyHash, String(found.id)]))
    return (await database.execute(FIND, [eventId])).length > 0
  }

  return async (delivery) => {
    try {
      return await withTimeLimit(record(delivery), WEBHOOK_RECORD_TIMEOUT_MS, failLate, startTimeout)
    } catch (error) {
      if (error instanceof AppError) throw error
      onFailure(error)
      throw databaseUnavailable(error)
    }
  }
}

function toParams({ eventId, type, occurredAtMs, body, bodyHash, scheme, secretNumber, isIgnored }: Row): Params {
  const event = [eventId, type, toDatetime(occurredAtMs), body, bodyHash, scheme, secretNumber]
  return isIgnored ? [...event, 'ignored', 1] : [...event, 'pending', 0]
}

function failLate(): never {
  throw databaseTimeout()
}
