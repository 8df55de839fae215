import type { Database } from '../../platform/database/database.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import type { Limit } from '../rate-limit/limiter.ts'
import { type ApiKey, isScope } from './access.ts'

/** The result of a look-up in the database. */
export interface FoundKey {
  /** Null if there is no such key, or it was revoked. */
  key: ApiKey | null
  /** The revision of all keys at the time. While it stays the same, so does this result. */
  revision: number
}

type KeyRow = { revision: number } & (
  | { id: null }
  | { id: Buffer; name: string; scopes: string; limit_max: number | null; limit_window_ms: number | null }
)

const REVISION = 'SELECT COALESCE(MAX(revision), 0) AS revision FROM api_key_revision'

// One statement reads one state, so the key and the revision belong together.
const FIND = `SELECT r.revision, k.id, k.name, k.scopes, k.limit_max, k.limit_window_ms
  FROM (${REVISION}) AS r LEFT JOIN api_keys AS k ON k.key_hash = ? AND k.revoked_at IS NULL`

/**
 * Looks a key up in the database.
 * @param hash the result of `hashKey`
 * @throws {AppError} if the database does not answer in time
 */
export async function findKey(database: Database, hash: string): Promise<FoundKey> {
  const [row] = await database.execute<KeyRow>(FIND, [Buffer.from(hash, 'hex')])
  if (row === undefined || row.id === null) return { key: null, revision: Number(row?.revision ?? 0) }
  const scopes = new Set(row.scopes.split(',').filter(isScope))
  const key = { id: formatId(row.id), name: row.name, scopes, limit: toLimit(row.limit_max, row.limit_window_ms) }
  return { key, revision: Number(row.revision) }
}

/** Reads the revision of the API keys: a number that grows whenever a key is created or revoked. */
export async function readRevision(database: Database): Promise<number> {
  const [row] = await database.execute<{ revision: number }>(REVISION, [])
  return Number(row?.revision ?? 0)
}

/** Converts the limit columns of a key. Returns null for a key without a limit of its own. */
export function toLimit(max: number | null, windowMs: number | null): Limit | null {
  return max === null || windowMs === null ? null : { max, windowMs }
}
