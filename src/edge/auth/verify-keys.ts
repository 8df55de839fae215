import type { Database } from '../../platform/database/database.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { createBoundedMap } from '../../platform/lib/bounded-map.ts'
import { createSingleFlight } from '../../platform/lib/single-flight.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import type { Limit } from '../rate-limit/limiter.ts'
import { type ApiKey, isScope } from './access.ts'
import { hashKey } from './key-format.ts'

/** How often the revision of the keys is read. */
const INTERVAL_MS = 250
/** The time limit for reading the revision, which takes a millisecond. When it is over, nothing cached is trusted any more. */
export const REVISION_TIMEOUT_MS = 800
/** For how long a revision is trusted after it was read: a revoked key is refused within a second. */
const TRUST_MS = 900
/** How often one request tries while the database does not answer. */
const RETRY_AFTER_MS = 1000
const MAX_KEYS = 10_000

/** Decides which API keys are valid, and caches what it has looked up. All keys given to it must be well-formed. */
export interface KeyVerifier {
  /** Verifies a key without waiting. Returns null if there is no such key, undefined if it has to be looked up. */
  cached(presented: string): ApiKey | null | undefined
  /** Returns whether a key was valid when it was last looked up. */
  wasValid(presented: string): boolean
  /**
   * Looks a key up, once for all requests that ask at the same time.
   * @returns null if there is no such key, or it was revoked
   * @throws what the look-up throws
   */
  verify(presented: string): Promise<ApiKey | null>
  /**
   * Looks a key up for a request that is served with or without one. While the database does not answer, a key that was
   * valid when it was last looked up still identifies its caller.
   */
  identify(presented: string): Promise<ApiKey | null>
  stop(): void
}

interface KeyVerifierOptions {
  find: (hash: string) => Promise<FoundKey>
  readRevision: () => Promise<number>
  /** A monotonic clock, in ms. */
  nowMs: () => number
  onFailure: (error: Error) => void
  onSuccess: () => void
}

/**
 * Creates a verifier that caches look-ups for as long as the revision of the keys stays the same. The revision is read four
 * times a second while something is cached, and with every look-up. While it cannot be read, nothing cached is trusted.
 *
 * Everything cached was read at one revision, which was still the newest one at `readAtMs`.
 */
export function createKeyVerifier({
  find,
  readRevision,
  nowMs,
  onFailure,
  onSuccess
}: KeyVerifierOptions): KeyVerifier {
  const valid = createBoundedMap<string, ApiKey>(MAX_KEYS)
  /** Apart from the valid ones, because anybody can make up as many of these as they like. */
  const unknown = createBoundedMap<string, null>(MAX_KEYS)
  /** Keys that were valid when they were last looked up, whatever has changed since. */
  const lastValid = createBoundedMap<string, ApiKey>(MAX_KEYS)
  // A look-up that started earlier may be too old for a request that arrives now.
  const lookUps = createSingleFlight<string, ApiKey | null>({ maxAgeMs: TRUST_MS, nowMs })
  let revision: number | null = null
  let readAtMs = Number.NEGATIVE_INFINITY
  let retryAtMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function cached(presented: string): ApiKey | null | undefined {
    if (nowMs() >= readAtMs + TRUST_MS) return undefined
    const hash = hashKey(presented)
    return valid.get(hash) ?? unknown.get(hash)
  }

  function verify(presented: string): Promise<ApiKey | null> {
    const hash = hashKey(presented)
    return lookUps.run(hash, () => lookUp(hash))
  }

  async function identify(presented: string): Promise<ApiKey | null> {
    const lastSeen = lastValid.get(hashKey(presented))
    if (lastSeen === undefined) return await verify(presented)
    if (nowMs() < retryAtMs) return lastSeen
    // While one request tries, the others need not wait.
    if (retryAtMs > readAtMs) retryAtMs = nowMs() + RETRY_AFTER_MS
    try {
      return await verify(presented)
    } catch (error) {
      if (!(error instanceof AppError && error.status === 503)) throw error
      retryAtMs = nowMs() + RETRY_AFTER_MS
      return lastSeen
    }
  }

  async function lookUp(hash: string): Promise<ApiKey | null> {
    const startedAtMs = nowMs()
    const { key, revision: seen } = await find(hash)
    // A result that was read while a key was created or revoked is only for the requests that wait for it.
    if (observe(seen, startedAtMs)) {
      if (key === null) unknown.set(hash, null)
      else valid.set(hash, key)
      schedule()
    }
    if (key === null) lastValid.delete(hash)
    else lastValid.set(hash, key)
    return key
  }

  /** Records a revision, unless a newer reading has already. Returns whether it is the current one. */
  function observe(seen: number, startedAtMs: number): boolean {
    if (startedAtMs >= readAtMs) {
      if (seen !== revision) forget()
      revision = seen
      readAtMs = startedAtMs
    }
    return seen === revision
  }

  function forget(): void {
    valid.clear()
    unknown.clear()
    // Requests from now on do not get what was read before.
    lookUps.forgetAll()
  }

  function schedule(): void {
    const isEmpty = valid.size === 0 && unknown.size === 0
    if (timer === undefined && !isStopped && !isEmpty) timer = setTimeout(poll, INTERVAL_MS).unref()
  }

  async function poll(): Promise<void> {
    const startedAtMs = nowMs()
    try {
      observe(await readRevision(), startedAtMs)
      onSuccess()
    } catch (error) {
      if (!isStopped) onFailure(error as Error)
    }
    timer = undefined
    schedule()
  }

  function stop(): void {
    isStopped = true
    clearTimeout(timer)
  }

  return { cached, wasValid: (presented) => lastValid.has(hashKey(presented)), verify, identify, stop }
}

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
