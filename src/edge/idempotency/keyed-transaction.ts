import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Database } from '../../platform/database/database.ts'
import { releaseLock, takeLock } from '../../platform/database/named-lock.ts'
import { inTransaction, type Transact } from '../../platform/database/transaction.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { parseId } from '../../platform/lib/uuid.ts'

/** A request with an Idempotency-Key. */
export interface KeyedRequest extends KeyOwner {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: Uint8Array
}

interface KeyedTransactionOptions {
  database: Database
  /** The locks of a server are shared by all of its databases. */
  databaseName: string
}

/**
 * Creates the transaction of a request with an Idempotency-Key. Its response is stored together with its effect, and is
 * returned again when the request is repeated. A transaction that fails is rolled back, and leaves nothing behind.
 *
 * A named lock of the server marks the request as under way. It is taken before the transaction and released after it, on
 * the same connection, so it ends with the transaction however that ends. In a cluster that does not share its locks, the
 * primary key lets one of two requests win; the other gets `ER_DUP_ENTRY`, is run again, and finds the response.
 *
 * The transaction throws {AppError} `idempotency-key-in-use` or `idempotency-key-reused`, and what the work or
 * `Database.session` throws.
 */
export function createKeyedTransaction(
  { database, databaseName }: KeyedTransactionOptions,
  request: KeyedRequest
): Transact<StoredResponse> {
  const lock = lockName(databaseName, request)
  const fingerprint = fingerprintRequest(request)

  const respondOnce = async (connection: Connection, work: (connection: Connection) => Promise<StoredResponse>) => {
    const stored = await findStoredResponse(connection, request)
    if (stored === undefined) {
      const response = await work(connection)
      await storeResponse(connection, request, fingerprint, response)
      return response
    }
    if (!stored.fingerprint.equals(fingerprint)) throw keyReused()
    return toReplayed(stored.response)
  }

  return (work) =>
    database.session(async (connection) => {
      if (!(await takeLock(connection, lock, 0))) throw keyInUse()
      try {
        return await inTransaction(connection, () => respondOnce(connection, work))
      } finally {
        await releaseLock(connection, lock)
      }
    })
}

/** Hashes what a request asks for, and under which conditions. Requests that may mean different things differ in it. */
function fingerprintRequest({ method, url, headers, body }: KeyedRequest): Buffer {
  const fields = ['content-type', 'if-match', 'if-none-match'].map((name) => headers[name] ?? null)
  return createHash('sha256')
    .update(`${JSON.stringify([method, url, ...fields])}\n`)
    .update(body)
    .digest()
}

function lockName(databaseName: string, { apiKeyId, key }: KeyOwner): string {
  const hash = createHash('sha256').update(JSON.stringify([databaseName, apiKeyId, key]))
  return `aisle:idempotency:${hash.digest('hex').slice(0, 40)}`
}

function toReplayed(response: StoredResponse): StoredResponse {
  return { ...response, headers: { ...response.headers, 'idempotent-replayed': 'true' } }
}

function keyInUse(): AppError {
  return new AppError('idempotency-key-in-use', 'A request with this Idempotency-Key is still being processed.', {
    retryAfterSeconds: 1
  })
}

function keyReused(): AppError {
  return new AppError('idempotency-key-reused', 'This Idempotency-Key was used for a different request.')
}

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
