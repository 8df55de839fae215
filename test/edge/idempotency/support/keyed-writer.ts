import { randomUUID } from 'node:crypto'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Test } from 'tap'
import type { Config } from '../../../../src/config/config.ts'
import type { StoredResponse } from '../../../../src/edge/idempotency/keyed-transaction.ts'
import { createKeyedTransaction } from '../../../../src/edge/idempotency/keyed-transaction.ts'
import { createDatabase, type Database } from '../../../../src/platform/database/database.ts'
import { openPool } from '../../../../src/platform/database/pool.ts'
import { retryContention } from '../../../../src/platform/database/transaction.ts'
import { AppError } from '../../../../src/platform/errors/app-error.ts'

export type Work = (connection: Connection) => Promise<unknown>

interface WriteOptions {
  body?: string
  key?: string
  apiKeyId?: string
  /** Done in the transaction, after its effect. */
  also?: Work
}

/** Writes under a key: the body of the answer, with a mark when it is a replay; or the code of the refusal. */
export type Write = (options?: WriteOptions) => Promise<string>

const LIMITS = { connectionLimit: 2, queueLimit: 100, queryTimeoutMs: 8000 }

export function openDatabase(t: Test, { mysql }: Config, limits: Partial<typeof LIMITS> = {}): Database {
  const bounds = { ...LIMITS, ...limits }
  const pool = openPool(mysql, bounds)
  t.teardown(() => pool.end())
  return createDatabase(pool, bounds)
}

/** One who adds a row to `effects` under a key, on a database where that table is. */
export function keyedWriter(database: Database, databaseName = 'aisle'): Write {
  const usual = { apiKeyId: randomUUID(), key: randomUUID() }
  return async ({ body = 'body', key = usual.key, apiKeyId = usual.apiKeyId, also } = {}) => {
    const request = { apiKeyId, key, method: 'POST', url: '/', headers: {}, body: Buffer.from(body) }
    const transact = createKeyedTransaction({ database, databaseName }, request)
    const work = async (connection: Connection): Promise<StoredResponse> => {
      await connection.query('INSERT INTO effects (body) VALUES (?)', [body])
      await also?.(connection)
      return { status: 201, headers: { etag: '"1"' }, body: Buffer.from(`${body} ${randomUUID()}`) }
    }
    try {
      const answer = await retryContention(() => transact(work), ['ER_DUP_ENTRY'])
      return `${answer.headers['idempotent-replayed'] ? 'replayed ' : ''}${answer.body}`
    } catch (error) {
      return error instanceof AppError ? error.code : String(error)
    }
  }
}

export async function prepareEffects(connection: Connection): Promise<() => Promise<string[]>> {
  await connection.query('CREATE TABLE effects (id INT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(100) NOT NULL)')
  return async () => {
    const [rows] = await connection.query<RowDataPacket[]>('SELECT body FROM effects ORDER BY id')
    return rows.map(({ body }) => body)
  }
}

export async function sessionId(connection: Connection): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id')
  return Number(row?.id)
}
