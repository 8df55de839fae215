import { setTimeout as wait } from 'node:timers/promises'
import type { ChangeIndex } from '../../catalogue/change-log/change-index.ts'
import { STALE_IF_ERROR_MS } from '../../config/limits.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import type { ContentCoding } from '../../platform/http/content-coding.ts'
import { createSingleFlight } from '../../platform/lib/single-flight.ts'
import type { EncodedResponse, EncodeResponse } from './cached-response.ts'
import { type Cacheable, type CachedResponse, productKey } from './cached-response.ts'
import { createFreshness, REFRESH_AFTER_MS } from './freshness.ts'
import { type MemoryCache, type MemoryEntry, NO_OUTAGE } from './memory-cache.ts'
import { LEASE_MS, type RedisCache } from './redis-cache.ts'

/** Where a response comes from: memory, Redis, the database, or an older response while the database does not answer. */
export type CacheOutcome = 'memory' | 'shared' | 'miss' | 'stale'

/** The entry of a response, and where it comes from. */
export interface ServedResponse {
  entry: MemoryEntry
  outcome: CacheOutcome
}

/** Cached responses in two tiers, memory and Redis. */
export interface ResponseCache {
  /**
   * Finds a response, or loads it.
   * @param seenVersion the version of the change log that the client must see, however young a response is
   * @throws what loading throws, unless it is a 503 and there is an older response
   */
  get(cacheable: Cacheable, seenVersion: number): Promise<ServedResponse>
  /** Returns whether an entry may be sent right now. Starts to refresh it if that is due. */
  isUsable(entry: MemoryEntry, seenVersion: number): boolean
  /** Encodes the response of an entry, unless that was done before. */
  encode(entry: MemoryEntry, coding: ContentCoding): Promise<EncodedResponse>
}

interface ResponseCacheOptions {
  memory: MemoryCache
  shared: RedisCache
  changeIndex: ChangeIndex
  tail: { readonly trustedUntilMs: number }
  /** The clock of the tail. */
  nowMs: () => number
  encode: EncodeResponse
}

type Loaded = Pick<MemoryEntry, 'response' | 'version' | 'loadedAtMs'>

/** A response that was loaded less than a second ago is less than a second old. */
const MAX_AGE_MS = 1000
const POLL_MS = 10
const RETRY_AFTER_MS = 1000

/**
 * Creates a cache that answers from memory, from Redis, or by loading. A key has one loader however many clients ask: a
 * single flight in this process, a lease across instances.
 *
 * A response is valid while the change log contains no change that affects it, and for a second after it was loaded,
 * whatever changes. So a response that is asked for all the time is loaded about once a second under any load of writes.
 * While the log cannot be read, only the second counts. Two exceptions: the response of a single product is removed at once
 * when that product changes, and a client that has to see a write (`ReadYourWrites`) gets no response that was loaded
 * before the write and may be affected by it.
 */
export function createResponseCache(options: ResponseCacheOptions): ResponseCache {
  const { memory, shared, changeIndex, tail, nowMs, encode } = options
  const freshness = createFreshness(changeIndex, tail)
  // A load that began earlier may be too old for a client that asks now.
  const flights = createSingleFlight<string, ServedResponse>({ maxAgeMs: REFRESH_AFTER_MS, nowMs })
  let outageUntilMs = NO_OUTAGE

  changeIndex.onChanged((productIds) => {
    if (productIds === null) {
      memory.clear()
      flights.forgetAll()
      return
    }
    for (const id of productIds) {
      const key = productKey(id)
      memory.remove(key)
      // Clients that ask from now on do not get what was loaded before the change.
      flights.forget(key)
    }
  })

  function isUsable(entry: MemoryEntry, seenVersion: number): boolean {
    if (entry.isRemoved) return false
    const now = nowMs()
    const ageMs = now - entry.loadedAtMs
    const isBehind = freshness.isOlder(entry.version, seenVersion) && entry.cacheable.productId === null
    if ((isBehind || ageMs >= REFRESH_AFTER_MS) && !freshness.isFresh(entry, now)) {
      if (isBehind || ageMs >= MAX_AGE_MS) return false
      refresh(entry)
    }
    entry.isVisited = true
    return true
  }

  async function get(cacheable: Cacheable, seenVersion: number): Promise<ServedResponse> {
    const entry = memory.get(cacheable.key)
    if (entry !== undefined) {
      if (isUsable(entry, seenVersion)) return { entry, outcome: 'memory' }
      if (isUnloadable(entry) && isUsableIfStale(entry)) return { entry, outcome: 'stale' }
    }
    return await fetchOnce(cacheable, seenVersion)
  }

  /**
   * Returns whether loading an entry would fail right now, as far as is known. While the change log can be read the database
   * is there, and only a response whose own load has failed is left alone for a moment. Otherwise all responses are, except
   * for one request that tries.
   */
  function isUnloadable({ cacheable, retryAtMs }: MemoryEntry): boolean {
    const untilMs = freshness.isTrusted(nowMs()) ? retryAtMs : outageUntilMs
    return nowMs() < untilMs || (untilMs !== NO_OUTAGE && flights.has(cacheable.key))
  }

  function isUsableIfStale({ isRemoved, expiresAtMs }: MemoryEntry): boolean {
    return !isRemoved && nowMs() < expiresAtMs + STALE_IF_ERROR_MS
  }

  function fetchOnce(cacheable: Cacheable, seenVersion: number): Promise<ServedResponse> {
    return flights.run(
      cacheable.key,
      () => {
        if (outageUntilMs !== NO_OUTAGE) outageUntilMs = nowMs() + RETRY_AFTER_MS
        return fetch(cacheable, seenVersion)
      },
      seenVersion
    )
  }

  /** Finds a response in Redis, waits for the instance that loads it, or loads it. */
  async function fetch(cacheable: Cacheable, seenVersion: number): Promise<ServedResponse> {
    const { key, productId } = cacheable
    const giveUpAtMs = nowMs() + LEASE_MS
    let isStrict = false
    let anyVersionMs = REFRESH_AFTER_MS
    for (;;) {
      const askedAtMs = nowMs()
      const found = await shared.lookup(key, freshness.validityOf(cacheable, askedAtMs, isStrict, anyVersionMs))
      if (found.state === 'found') {
        const { response, version, ageMs } = found
        const isOlder = freshness.isOlder(version, seenVersion)
        const isYoung = ageMs < REFRESH_AFTER_MS && !isOlder
        if (productId !== null || isYoung || freshness.isUnaffected(cacheable, response, version)) {
          const entry = await remember(cacheable, { response, version, loadedAtMs: askedAtMs - ageMs })
          return { entry, outcome: 'shared' }
        }
        isStrict = true
        if (isOlder) anyVersionMs = 0
        continue
      }
      if (found.state === 'claimed') return await load(cacheable, found.startedAtMs)
      if (found.state === 'unavailable' || nowMs() > giveUpAtMs) return await load(cacheable, null)
      await wait(POLL_MS)
    }
  }

  /** @param leaseStartedAtMs the time of Redis when the lease was claimed; null without a lease */
  async function load(cacheable: Cacheable, leaseStartedAtMs: number | null): Promise<ServedResponse> {
    const { key, ttlMs } = cacheable
    const { version } = changeIndex
    const loadedAtMs = nowMs()
    let response: CachedResponse
    try {
      response = await cacheable.load()
    } catch (error) {
      if (leaseStartedAtMs !== null) shared.release(key)
      const stale = isOutage(error) ? await findStale(cacheable) : undefined
      if (stale === undefined) throw error
      outageUntilMs = nowMs() + RETRY_AFTER_MS
      stale.retryAtMs = outageUntilMs
      return { entry: stale, outcome: 'stale' }
    }
    outageUntilMs = NO_OUTAGE
    if (leaseStartedAtMs !== null) {
      // Clients are answered before anything is sent to Redis.
      setImmediate(() => {
        if (version === null) shared.release(key)
        else shared.store(key, { response, version, startedAtMs: leaseStartedAtMs, keepMs: ttlMs + STALE_IF_ERROR_MS })
      })
    }
    return { entry: await remember(cacheable, { response, version, loadedAtMs }), outcome: 'miss' }
  }

  function refresh(entry: MemoryEntry): void {
    if (isUnloadable(entry) || flights.has(entry.cacheable.key)) return
    // A client that asks once the entry is too old gets the error.
    fetchOnce(entry.cacheable, 0).catch(() => {})
  }

  /** Finds an older response for use while the current one cannot be loaded (`stale-if-error`, RFC 5861). */
  async function findStale(cacheable: Cacheable): Promise<MemoryEntry | undefined> {
    const present = memory.get(cacheable.key)
    if (present !== undefined) return isUsableIfStale(present) ? present : undefined
    const found = await shared.peek(cacheable.key)
    // It was loaded at an unknown time, so here it has expired. Redis limits how long ago that was.
    const loadedAtMs = nowMs() - cacheable.ttlMs - MAX_AGE_MS
    const entry = found && (await remember(cacheable, { ...found, loadedAtMs }))
    return entry?.isRemoved ? undefined : entry
  }

  /** Stores a loaded response in memory, unless its product has changed meanwhile. Then only its current waiters get it. */
  async function remember(cacheable: Cacheable, { response, version, loadedAtMs }: Loaded): Promise<MemoryEntry> {
    const { key, productId, ttlMs } = cacheable
    const present = memory.get(key)
    const bodies = await withBodies(response, present)
    const times = { loadedAtMs, expiresAtMs: loadedAtMs + ttlMs, retryAtMs: NO_OUTAGE }
    const loaded = { ...bodies, version, isAffected: false, ...times }
    if (present !== undefined && !present.isRemoved) {
      const isNewer = loadedAtMs > present.loadedAtMs || freshness.isOlder(present.version, version ?? 0)
      if (isNewer) memory.set(Object.assign(present, loaded))
      return present
    }
    const entry: MemoryEntry = {
      ...{ cacheable, encoded: {}, ...loaded },
      ...{ isRemoved: false, isVisited: false, urls: [], sizeBytes: 0 }
    }
    if (productId !== null && freshness.mayHaveChanged(productId, version)) entry.isRemoved = true
    else memory.set(entry)
    return entry
  }

  /** Reuses the bodies of an entry if they are the same; otherwise encodes the new one in the codings that were asked for. */
  async function withBodies(response: CachedResponse, present: MemoryEntry | undefined) {
    if (present === undefined) return { response, encoded: {} }
    if (present.response.etag === response.etag) return { response: { ...response, body: present.response.body } }
    const codings = Object.keys(present.encoded) as ContentCoding[]
    const bodies = await Promise.all(codings.map(async (coding) => [coding, await encode(response, coding)]))
    return { response, encoded: Object.fromEntries(bodies) }
  }

  return {
    get,
    isUsable,

    async encode(entry, coding) {
      const present = entry.encoded[coding]
      if (present !== undefined) return present
      const { response } = entry
      const encoded = await encode(response, coding)
      // The entry may have been refreshed meanwhile.
      if (entry.response === response && entry.encoded[coding] === undefined) {
        entry.encoded[coding] = encoded
        memory.resize(entry)
      }
      return encoded
    }
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && error.status === 503
}
