import { hash } from 'node:crypto'
import { EVENT_TYPES, type WebhookReceipt } from '../../../../schemas/webhooks.ts'
import { WEBHOOK_RECORD_TIMEOUT_MS } from '../../../config/limits.ts'
import type { Database, Params } from '../../../platform/database/database.ts'
import { databaseTimeout, databaseUnavailable } from '../../../platform/database/database-error.ts'
import { toDatetime } from '../../../platform/database/datetime.ts'
import { retryContention } from '../../../platform/database/retry-contention.ts'
import { AppError } from '../../../platform/errors/app-error.ts'
import { createGroupInserts } from './group-inserts.ts'
import type { Scheme } from './signature-headers.ts'

/** A delivery whose signature is right, and whose envelope is an event. */
export interface Delivery {
  eventId: string
  type: string
  /** Unix time. */
  occurredAtMs: number
  /** As it came, to the byte. */
  body: Buffer
  scheme: Scheme
  secretNumber: number
}

/** There is one sender, as far as ids go. */
const SOURCE = 'default'
const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES)

const INSERT = `INSERT INTO webhook_events
  (source, event_id, type, occurred_at, body, body_hash, scheme, secret_number,
    status, next_attempt_at, received_at, finished_at)
  VALUES `
const ROW = `('${SOURCE}', ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), IF(?, UTC_TIMESTAMP(3), NULL))`
const FIND = `SELECT id FROM webhook_events WHERE source = '${SOURCE}' AND event_id = ?`
// By the id: in the index of the event ids it would lock the gap before the event, where others are to go.
const COUNT_DUPLICATE = `UPDATE webhook_events
  SET duplicates = duplicates + 1, has_conflict = has_conflict OR body_hash <> ? WHERE id = ?`

interface Row extends Delivery {
  bodyHash: Buffer
  isIgnored: boolean
}

interface InboxOptions {
  database: Pick<Database, 'execute'>
  /** Told what no sender can mend, such as a full disk. */
  onFailure: (error: unknown) => void
}

/**
 * Makes what records deliveries, each event once: the unique key decides which of several deliveries is the first,
 * whichever instances they come to. What it has answered for is committed.
 * @returns a function that throws {AppError} when it cannot say within a second whether the delivery is recorded: 503, for
 * the sender to come again. It may be recorded all the same, and is then found to be a duplicate
 */
export function createEventRecorder({ database, onFailure }: InboxOptions) {
  const insert = createGroupInserts<Row>({
    keyOf: ({ eventId }) => eventId,
    findPresent,
    insertAll,
    bytesOf: ({ body }) => body.length,
    timeoutMs: WEBHOOK_RECORD_TIMEOUT_MS
  })

  return async (delivery: Delivery): Promise<WebhookReceipt['status']> => {
    try {
      return await withTimeLimit(record(delivery))
    } catch (error) {
      if (error instanceof AppError) throw error
      onFailure(error)
      throw databaseUnavailable(error)
    }
  }

  async function record(delivery: Delivery): Promise<WebhookReceipt['status']> {
    const bodyHash = hash('sha256', delivery.body, 'buffer')
    for (;;) {
      const isIgnored = !KNOWN_TYPES.has(delivery.type)
      if (await insert({ ...delivery, bodyHash, isIgnored })) return isIgnored ? 'ignored' : 'accepted'
      if (await countDuplicate(delivery, bodyHash)) return 'duplicate'
      // The other one was purged in between: this one is new again.
    }
  }

  async function findPresent(eventIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await database.execute<{ event_id: string }>(
      `SELECT event_id FROM webhook_events WHERE source = '${SOURCE}' AND event_id IN (${eventIds.map(() => '?').join(', ')})`,
      eventIds
    )
    return new Set(rows.map(({ event_id }) => event_id))
  }

  async function insertAll(rows: readonly Row[]): Promise<void> {
    const sql = INSERT + rows.map(() => ROW).join(', ')
    // Several of the same are in each other's way when the first of them is rolled back.
    await retryContention(() => database.execute(sql, rows.flatMap(toParams)))
  }

  /**
   * Without a transaction, which would keep the row from the next of many at the same time.
   * @returns false where the event is not there any longer
   */
  async function countDuplicate({ eventId }: Delivery, bodyHash: Buffer): Promise<boolean> {
    const [found] = await database.execute<{ id: number }>(FIND, [eventId])
    if (found === undefined) return false
    await retryContention(() => database.execute(COUNT_DUPLICATE, [bodyHash, String(found.id)]))
    return (await database.execute(FIND, [eventId])).length > 0
  }
}

function toParams({ eventId, type, occurredAtMs, body, bodyHash, scheme, secretNumber, isIgnored }: Row): Params {
  const event = [eventId, type, toDatetime(occurredAtMs), body, bodyHash, scheme, secretNumber]
  return isIgnored ? [...event, 'ignored', 1] : [...event, 'pending', 0]
}

async function withTimeLimit<T>(work: Promise<T>): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(databaseTimeout()), WEBHOOK_RECORD_TIMEOUT_MS)
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
