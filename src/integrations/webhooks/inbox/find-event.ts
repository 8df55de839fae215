import type { StoredWebhookEventDetails } from '../../../../schemas/webhook-inbox.ts'
import type { Database } from '../../../platform/database/database.ts'
import { datetimeToTimestamp } from '../../../platform/database/datetime.ts'
import { decodeUtf8 } from '../../../platform/http/read-json.ts'
import type { Scheme } from '../receive/signature-headers.ts'
import { eventNotFound, type StoredEventRow, storedEventColumns, toStoredEvent } from './stored-event.ts'

interface DetailsRow extends StoredEventRow {
  scheme: Scheme
  secret_number: number
  lease_until: string | null
  body: Buffer
}

interface AttemptRow {
  attempt: number
  started_at: string | null
  failed_at: string
  error: string
}

const FIND = `SELECT ${storedEventColumns}, scheme, secret_number, lease_until, body FROM webhook_events WHERE id = ?`
/** Each replay may add some: the last of them tell enough. */
const MAX_ATTEMPTS = '100'
const FIND_ATTEMPTS = `SELECT attempt, started_at, failed_at, error FROM webhook_attempts WHERE webhook_event_id = ?
  ORDER BY failed_at DESC, attempt DESC LIMIT ?`

/**
 * Finds all that is known of an event.
 * @param id its number in the inbox
 * @throws {AppError} `webhook-event-not-found`
 */
export async function findEvent(database: Pick<Database, 'execute'>, id: string): Promise<StoredWebhookEventDetails> {
  const [row] = await database.execute<DetailsRow>(FIND, [id])
  if (row === undefined) throw eventNotFound(id)
  const attempts = await database.execute<AttemptRow>(FIND_ATTEMPTS, [id, MAX_ATTEMPTS])
  return {
    ...toStoredEvent(row),
    scheme: row.scheme,
    secretNumber: row.secret_number,
    leaseUntil: row.lease_until && datetimeToTimestamp(row.lease_until),
    failedAttempts: attempts.toReversed().map(({ attempt, started_at, failed_at, error }) => ({
      attempt,
      startedAt: started_at && datetimeToTimestamp(started_at),
      failedAt: datetimeToTimestamp(failed_at),
      error
    })),
    // Nothing else is recorded.
    body: JSON.parse(decodeUtf8(row.body))
  }
}
