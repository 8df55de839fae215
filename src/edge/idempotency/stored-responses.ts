import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../platform/database/database.ts'
import { parseId } from '../../platform/lib/uuid.ts'

/** A response that is made once, and stored to be sent again. */
export interface StoredResponse {
  readonly status: number
  /** Names in lower case; ASCII. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** An Idempotency-Key, and whose it is: different API keys do not share them. */
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

/**
 * Finds the response that was stored for a key within a day, and the fingerprint of its request. A key that is older is
 * forgotten, and may be used again.
 */
export async function findStoredResponse(
  connection: Connection,
  { apiKeyId, key }: KeyOwner
): Promise<{ fingerprint: Buffer; response: StoredResponse } | undefined> {
  const [[row]] = await connection.query<StoredRow[]>(FIND, [parseId(apiKeyId), key])
  if (row === undefined) return undefined
  const { fingerprint, status, headers, body, is_expired } = row
  if (is_expired === 0) return { fingerprint, response: { status, headers: JSON.parse(headers), body } }
  await connection.query(FORGET, [parseId(apiKeyId), key])
}

/**
 * Stores the response of a key, with the fingerprint of its request.
 * @throws `ER_DUP_ENTRY` if another request has stored one meanwhile
 */
export async function storeResponse(
  connection: Connection,
  { apiKeyId, key }: KeyOwner,
  fingerprint: Buffer,
  { status, headers, body }: StoredResponse
): Promise<void> {
  await connection.query(STORE, [parseId(apiKeyId), key, fingerprint, status, JSON.stringify(headers), body])
}

/**
 * Deletes the oldest expired responses. It stops at the last of them, so it does not reach the rows of open transactions,
 * for which it would wait. Any number of instances may do this at the same time.
 * @returns how many rows were found, and whether there are no more
 * @throws {AppError} if the database does not answer in time
 */
export async function purgeStoredResponses(
  database: Pick<Database, 'execute'>
): Promise<{ purged: number; isComplete: boolean }> {
  const rows = await database.execute<{ created_at: string }>(FIND_EXPIRED, [])
  const last = rows.at(-1)
  if (last !== undefined) await database.execute(DELETE, [last.created_at, String(rows.length)])
  return { purged: rows.length, isComplete: rows.length < MAX_ROWS }
}
