import { AppError } from '../../platform/errors/app-error.ts'
import type { ApiKey } from './api-key.ts'
import type { FoundKey } from './find-key.ts'
import { hashKey } from './key-format.ts'

const INTERVAL_MS = 250
/** A statement of a millisecond; what takes this long is a fault, and nothing is trusted by then. */
export const REVISION_TIMEOUT_MS = 800
/** For how long a revision, once read, says how things are: a key that is revoked is refused within a second. */
const TRUST_MS = 900
/** While the database does not answer: how often one request tries. */
const RETRY_AFTER_MS = 1000
const MAX_KEYS = 10_000

/** The keys that an instance has met. What they are asked for must be well-formed. */
export interface KeyRing {
  /** A key that is valid, null when there is none, undefined when it has to be looked up. */
  known(presented: string): ApiKey | null | undefined
  /** Whether a key was valid when it was last looked up. */
  hasMet(presented: string): boolean
  /**
   * Looks a key up, once however many ask.
   * @throws whatever the look-up throws
   */
  verify(presented: string): Promise<ApiKey | null>
  /**
   * The same for where the key decides nothing but who it is: one that was valid when it was last looked up still counts
   * while the database does not answer.
   */
  recognise(presented: string): Promise<ApiKey | null>
  stop(): void
}

interface Flight {
  beganAtMs: number
  found: Promise<ApiKey | null>
}

interface KeyRingOptions {
  find: (hash: string) => Promise<FoundKey>
  readRevision: () => Promise<number>
  /** A monotonic clock, in ms. */
  nowMs: () => number
  onFailure: (error: Error) => void
  onSuccess: () => void
}

/**
 * Remembers what was looked up, for as long as the revision of the keys stays. It is read four times a second, and only
 * while there is something to remember; with every look-up, too. When it cannot be read, nothing that is remembered counts.
 *
 * Everything here was read at one revision, and that was still the newest one at `readAtMs`.
 */
export function createKeyRing({ find, readRevision, nowMs, onFailure, onSuccess }: KeyRingOptions): KeyRing {
  const valid = new Map<string, ApiKey>()
  /** Apart, as everybody can make as many of these as he likes. */
  const unknown = new Map<string, null>()
  /** What was valid when it was last looked up, whatever has changed since. */
  const met = new Map<string, ApiKey>()
  const flights = new Map<string, Flight>()
  let revision: number | null = null
  let readAtMs = Number.NEGATIVE_INFINITY
  let retryAtMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function known(presented: string): ApiKey | null | undefined {
    if (nowMs() >= readAtMs + TRUST_MS) return undefined
    const hash = hashKey(presented)
    return valid.get(hash) ?? unknown.get(hash)
  }

  function hasMet(presented: string): boolean {
    return met.has(hashKey(presented))
  }

  function verify(presented: string): Promise<ApiKey | null> {
    const hash = hashKey(presented)
    const present = flights.get(hash)
    // What has been under way for longer was read too long ago for those who come now.
    if (present !== undefined && nowMs() < present.beganAtMs + TRUST_MS) return present.found
    const found = lookUp(hash).finally(() => {
      if (flights.get(hash) === flight) flights.delete(hash)
    })
    const flight = { beganAtMs: nowMs(), found }
    flights.set(hash, flight)
    return found
  }

  async function recognise(presented: string): Promise<ApiKey | null> {
    const lastSeen = met.get(hashKey(presented))
    if (lastSeen === undefined) return await verify(presented)
    if (nowMs() < retryAtMs) return lastSeen
    // While one tries, the others need not wait.
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
    const found = await find(hash)
    // What was read while a key was made or revoked is for those who wait, and not to be kept.
    if (observe(found.revision, startedAtMs)) remember(hash, found.key)
    if (found.key === null) met.delete(hash)
    else setBounded(met, hash, found.key)
    return found.key
  }

  /** Takes note of a revision, unless a newer reading has told it; says whether it is the one that holds. */
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
    // Whoever asks from now on does not get what was read before.
    flights.clear()
  }

  function remember(hash: string, key: ApiKey | null): void {
    if (key === null) setBounded(unknown, hash, key)
    else setBounded(valid, hash, key)
    schedule()
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

  return { known, hasMet, verify, recognise, stop }
}

/** Without room the oldest goes. */
function setBounded<Value>(map: Map<string, Value>, key: string, value: Value): void {
  const [oldest] = map.size >= MAX_KEYS && !map.has(key) ? map.keys() : []
  if (oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}
