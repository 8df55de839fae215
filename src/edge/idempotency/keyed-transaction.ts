import { createHash } from 'node:crypto'
import type { Connection } from 'mysql2/promise'
import type { Database } from '../../platform/database/database.ts'
import { releaseLock, takeLock } from '../../platform/database/named-lock.ts'
import { inTransaction, type Transact } from '../../platform/database/transaction.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { type FingerprintedRequest, fingerprintRequest } from './fingerprint-request.ts'
import { findStoredResponse, type KeyOwner, type StoredResponse, storeResponse } from './stored-responses.ts'

export type KeyedRequest = FingerprintedRequest & KeyOwner

interface KeyedTransactionOptions {
  database: Database
  /** The locks of a server are common to all of its databases. */
  databaseName: string
}

/**
 * How the transaction of a request with an Idempotency-Key is run: its answer is stored with its effect, and is given
 * again to whoever repeats the request. What fails is rolled back, and leaves nothing behind.
 *
 * A lock of the server says that a request is under way. It is taken before the transaction and given back after it, on the
 * same connection: so it ends with the transaction, in whatever way that ends. Where a cluster does not share its locks,
 * the primary key lets one of two win, and the other one has `ER_DUP_ENTRY`: run again, it finds the answer.
 *
 * The transaction throws {AppError} `idempotency-key-in-use`, `idempotency-key-reused`, whatever the work throws, and what
 * `Database.session` throws.
 */
export function createKeyedTransaction(
  { database, databaseName }: KeyedTransactionOptions,
  request: KeyedRequest
): Transact<StoredResponse> {
  const lock = lockName(databaseName, request)
  const hash = fingerprintRequest(request)

  const answerOnce = async (connection: Connection, work: (connection: Connection) => Promise<StoredResponse>) => {
    const stored = await findStoredResponse(connection, request)
    if (stored === undefined) {
      const answer = await work(connection)
      await storeResponse(connection, request, hash, answer)
      return answer
    }
    if (!stored.fingerprint.equals(hash)) throw keyReused()
    return replayed(stored.answer)
  }

  return (work) =>
    database.session(async (connection) => {
      if (!(await takeLock(connection, lock, 0))) throw keyInUse()
      try {
        return await inTransaction(connection, () => answerOnce(connection, work))
      } finally {
        await releaseLock(connection, lock)
      }
    })
}

function lockName(databaseName: string, { apiKeyId, key }: KeyOwner): string {
  const hash = createHash('sha256').update(JSON.stringify([databaseName, apiKeyId, key]))
  return `aisle:idempotency:${hash.digest('hex').slice(0, 40)}`
}

function replayed(answer: StoredResponse): StoredResponse {
  return { ...answer, headers: { ...answer.headers, 'idempotent-replayed': 'true' } }
}

function keyInUse(): AppError {
  return new AppError('idempotency-key-in-use', 'A request with this Idempotency-Key is still under way.', {
    retryAfterSeconds: 1
  })
}

function keyReused(): AppError {
  return new AppError('idempotency-key-reused', 'This Idempotency-Key has come with another request before.')
}
