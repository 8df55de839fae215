import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Connection } from 'mysql2/promise'
import type { Database } from '../../platform/database/database.ts'
import { releaseLock, takeLock } from '../../platform/database/named-lock.ts'
import { inTransaction, type Transact } from '../../platform/database/transaction.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { findStoredResponse, type KeyOwner, type StoredResponse, storeResponse } from './stored-responses.ts'

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
