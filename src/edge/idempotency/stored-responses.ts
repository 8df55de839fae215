import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../platform/database/database.ts'
import { parseId } from '../../platform/lib/uuid.ts'

/** An answer as it is sent: made once, and stored to be sent again. */
export interface StoredResponse {
  readonly status: number
  /** In lower case. ASCII. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Whose key it is, and which. */
export interface KeyOwner {
  /** The id of the API key. */
  apiKeyId: string
  key: string
}

interface StoredRow extends RowDataPacket {
  fingerprint: Buffer
  status: number
  headers: string
  body: Buffer
  is_expired: number
}

const MAX_ROWS = 100
const EXPIRED = 'created_at <= UTC_TIMESTAMP(3) - INTERVAL 24 HOUR'
const THIS = 'api_key_id = ? AND idempotency_key = ?'

const FIND = `SELECT fingerprint, status, headers, body, ${EXPIRED} AS is_expired FROM idempotency_keys WHERE ${THIS}`
const FORGET = `DELETE FROM idempotency_keys WHERE ${THIS} AND ${EXPIRED}`
const STORE = `INSERT INTO idempotency_keys
  (api_key_id, idempotency_key, fingerprint, created_at, status, headers, body) VALUES (?, ?, ?, UTC_TIMESTAMP(3), ?, ?, ?)`
const FIND_EXPIRED = `SELECT created_at FROM idempotency_keys WHERE ${EXPIRED} ORDER BY created_at LIMIT ${MAX_ROWS}`
const DELETE = 'DELETE FROM idempotency_keys WHERE created_at <= ? ORDER BY created_at LIMIT ?'

/** What was answered within a day, and to which request. A key whose day is over is new again. */
export async function findStoredResponse(
  connection: Connection,
  { apiKeyId, key }: KeyOwner
): Promise<{ fingerprint: Buffer; answer: StoredResponse } | undefined> {
  const [[row]] = await connection.query<StoredRow[]>(FIND, [parseId(apiKeyId), key])
  if (row === undefined) return undefined
  const { fingerprint, status, headers, body, is_expired } = row
  if (is_expired === 0) return { fingerprint, answer: { status, headers: JSON.parse(headers), body } }
  await connection.query(FORGET, [parseId(apiKeyId), key])
}

/** @throws `ER_DUP_ENTRY` when somebody else has stored one meanwhile */
export async function storeResponse(
  connection: Connection,
  { apiKeyId, key }: KeyOwner,
  fingerprint: Buffer,
  { status, headers, body }: StoredResponse
): Promise<void> {
  await connection.query(STORE, [parseId(apiKeyId), key, fingerprint, status, JSON.stringify(headers), body])
}

/**
 * Deletes answers whose day is over, the oldest first. It ends with the last of them, so that it does not come to the rows
 * of open transactions, for which it would wait. Any number of instances may do this at the same time.
 * @returns how many rows were found, and whether no more are to go
 * @throws {AppError} when the database does not answer in time
 */
export async function purgeStoredResponses(
  database: Pick<Database, 'execute'>
): Promise<{ purged: number; isComplete: boolean }> {
  const rows = await database.execute<{ created_at: string }>(FIND_EXPIRED, [])
  const last = rows.at(-1)
  if (last !== undefined) await database.execute(DELETE, [last.created_at, String(rows.length)])
  return { purged: rows.length, isComplete: rows.length < MAX_ROWS }
}
