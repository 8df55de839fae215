import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { Scope } from '../../../schemas/scopes.ts'
import { inTransaction, retryContention } from '../../platform/database/transaction.ts'
import { datetimeToTimestamp, toDatetime } from '../../platform/lib/timestamps.ts'
import { formatId, parseId, uuidV7 } from '../../platform/lib/uuid.ts'
import type { Limit } from '../rate-limit/limiter.ts'
import { generateKey, hashKey, isWellFormed } from './key-format.ts'
import { toLimit } from './verify-keys.ts'

/** A key to be created. */
export interface NewKey {
  name: string
  scopes: readonly Scope[]
  limit: Limit | null
}

/** A key as it is listed, with everything that is stored about it. Times are RFC 3339. */
export interface ListedKey {
  id: string
  name: string
  scopes: readonly string[]
  limit: Limit | null
  createdAt: string
  lastUsedAt: string | null
  revokedAt: string | null
}

interface ListedRow extends RowDataPacket {
  id: Buffer
  name: string
  scopes: string
  limit_max: number | null
  limit_window_ms: number | null
  created_at: string
  last_used_at: string | null
  revoked_at: string | null
}

const LIST = `SELECT id, name, scopes, limit_max, limit_window_ms, created_at, last_used_at, revoked_at FROM api_keys`

/**
 * Creates a key.
 * @returns the only copy of the key: just its hash is stored
 */
export async function createKey(
  connection: Connection,
  { name, scopes, limit }: NewKey,
  { nowMs, randomBytes }: { nowMs(): number; randomBytes(size: number): Uint8Array }
): Promise<{ id: string; key: string }> {
  const now = nowMs()
  const id = uuidV7(now, randomBytes(10))
  const key = generateKey(randomBytes)
  const row = [id, name, Buffer.from(hashKey(key), 'hex'), scopes.join(','), limit?.max, limit?.windowMs]
  await change(connection, () =>
    connection.query<ResultSetHeader>(
      'INSERT INTO api_keys (id, name, key_hash, scopes, limit_max, limit_window_ms, created_at) VALUES (?)',
      [[...row, toDatetime(now)]]
    )
  )
  return { id: formatId(id), key }
}

/** Lists all keys, revoked ones included, in the order in which they were created. */
export async function listKeys(connection: Connection): Promise<ListedKey[]> {
  const [rows] = await connection.query<ListedRow[]>(`${LIST} ORDER BY id`)
  return rows.map(toListed)
}

/**
 * Revokes a key, for good. Revoking it again changes nothing.
 * @param idOrKey the id of the key, or the key itself
 * @returns the key as it is now; undefined if there is no such key
 */
export async function revokeKey(
  connection: Connection,
  idOrKey: string,
  nowMs: number
): Promise<ListedKey | undefined> {
  const which = isWellFormed(idOrKey) ? ['key_hash', Buffer.from(hashKey(idOrKey), 'hex')] : ['id', parseId(idOrKey)]
  await change(connection, () =>
    connection.query<ResultSetHeader>('UPDATE api_keys SET revoked_at = ? WHERE ?? = ? AND revoked_at IS NULL', [
      toDatetime(nowMs),
      ...which
    ])
  )
  const [[row]] = await connection.query<ListedRow[]>(`${LIST} WHERE ?? = ?`, which)
  return row && toListed(row)
}

/** Runs a statement that makes a key valid or invalid, and raises the revision in the same transaction. */
async function change(connection: Connection, work: () => Promise<[ResultSetHeader, unknown]>): Promise<void> {
  await retryContention(() =>
    inTransaction(connection, async () => {
      const [{ affectedRows }] = await work()
      if (affectedRows === 0) return
      await connection.query(
        'INSERT INTO api_key_revision (id, revision) VALUES (1, 1) ON DUPLICATE KEY UPDATE revision = revision + 1'
      )
    })
  )
}

function toListed(row: ListedRow): ListedKey {
  return {
    id: formatId(row.id),
    name: row.name,
    scopes: row.scopes.split(','),
    limit: toLimit(row.limit_max, row.limit_window_ms),
    createdAt: datetimeToTimestamp(row.created_at),
    lastUsedAt: row.last_used_at && datetimeToTimestamp(row.last_used_at),
    revokedAt: row.revoked_at && datetimeToTimestamp(row.revoked_at)
  }
}
