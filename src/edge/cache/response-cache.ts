import { setTimeout as wait } from 'node:timers/promises'
import type { ChangeIndex } from '../../catalogue/change-log/change-index.ts'
import { STALE_IF_ERROR_MS } from '../../config/limits.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { type Cacheable, productKey } from './cacheable.ts'
import type { CachedResponse } from './cached-response.ts'
import type { EncodeResponse } from './encoded-response.ts'
import { createFreshness, REFRESH_AFTER_MS } from './freshness.ts'
import { type MemoryCache, type MemoryEntry, NO_OUTAGE } from './memory-cache.ts'
import { LEASE_MS, type RedisCache } from './redis-cache.ts'
import { createResponseKeeper } from './response-keeper.ts'

/** Where an answer comes from: the memory, Redis, MySQL, or the past, when MySQL does not answer. */
export type CacheOutcome = 'memory' | 'shared' | 'miss' | 'stale'

export interface ServedResponse {
  entry: MemoryEntry
  outcome: CacheOutcome
}

export interface ResponseCache {
  /**
   * @param seenVersion of the change log: whoever asks is to see all that is in it up to here, however young an answer is
   * @throws whatever the loading throws, unless it is a 503 and there is an older answer
   */
  get(subject: Cacheable, seenVersion: number): Promise<ServedResponse>
  /** For an entry that is at hand: whether it may be sent right now. Has it brought up to date when that is due. */
  isUsable(entry: MemoryEntry, seenVersion: number): boolean
}

/** A fetching, for which others may wait. */
interface Flight {
  beganAtMs: number
  seenVersion: number
  served: Promise<ServedResponse>
}

interface AnswerCacheOptions {
  memory: MemoryCache
  shared: RedisCache
  changeIndex: ChangeIndex
  tail: { readonly trustedUntilMs: number }
  /** The clock of the tail. */
  nowMs: () => number
  /** Makes a body ready to be sent, in the codings in which it was asked for before. */
  encode: EncodeResponse
}

/** Whatever was read less than a second ago is less than a second old. */
const MAX_AGE_MS = 1000
const POLL_MS = 10
const RETRY_AFTER_MS = 1000

/**
 * Answers from memory, from Redis, or by loading, with one loader for a key however many ask: in this process by
 * single-flight, across instances under a lease.
 *
 * An answer holds while nothing has changed that it shows, as the change log tells; and for a second after it was read,
 * whatever changes, so that an answer that is asked for all the time is loaded about once a second under any load of
 * writes. When the log was not read within a second, only the second counts. Two exceptions: an answer of a single product
 * goes at once with a change of that product, and whoever is to see a write at once (`ReadYourWrites`) gets
 * no answer that was read before it and may show it.
 */
export function createResponseCache({
  memory,
  shared,
  changeIndex,
  tail,
  nowMs,
  encode
}: AnswerCacheOptions): ResponseCache {
  const flights = new Map<string, Flight>()
  const validity = createFreshness(changeIndex, tail)
  const { isTrusted, isBefore, isUnaffected, isHolding, termsOf } = validity
  const keep = createResponseKeeper({ memory, validity, encode })
  let outageUntilMs = NO_OUTAGE

  changeIndex.onChanged((productIds) => {
    if (productIds === null) {
      memory.clear()
      flights.clear()
      return
    }
    for (const id of productIds) {
      const key = productKey(id)
      memory.drop(key)
      // Whoever asks from now on does not get what was read before the change.
      flights.delete(key)
    }
  })

  function isUsable(entry: MemoryEntry, seenVersion: number): boolean {
    if (entry.isDropped) return false
    const now = nowMs()
    const ageMs = now - entry.loadedAtMs
    const isBehind = isBefore(entry.version, seenVersion) && entry.subject.productId === null
    if ((isBehind || ageMs >= REFRESH_AFTER_MS) && !isHolding(entry, now)) {
      if (isBehind || ageMs >= MAX_AGE_MS) return false
      refresh(entry)
    }
    entry.isVisited = true
    return true
  }

  async function get(subject: Cacheable, seenVersion: number): Promise<ServedResponse> {
    const entry = memory.get(subject.key)
    if (entry !== undefined) {
      if (isUsable(entry, seenVersion)) return { entry, outcome: 'memory' }
      if (isLeftAlone(entry) && isStandIn(entry)) return { entry, outcome: 'stale' }
    }
    return await fly(subject, seenVersion)
  }

  /**
   * Whether this one cannot be loaded right now, as far as is known. While the log is read MySQL is there, and only what
   * itself could not be loaded is left alone for a moment; else all is, but for one request that tries.
   */
  function isLeftAlone({ subject, retryAtMs }: MemoryEntry): boolean {
    const untilMs = isTrusted(nowMs()) ? retryAtMs : outageUntilMs
    return nowMs() < untilMs || (untilMs !== NO_OUTAGE && flights.has(subject.key))
  }

  function isStandIn({ isDropped, expiresAtMs }: MemoryEntry): boolean {
    return !isDropped && nowMs() < expiresAtMs + STALE_IF_ERROR_MS
  }

  function fly(subject: Cacheable, seenVersion: number): Promise<ServedResponse> {
    const { key } = subject
    const now = nowMs()
    const present = flights.get(key)
    // What has been under way for longer was read too long ago for those who come now.
    if (present !== undefined && now - present.beganAtMs < REFRESH_AFTER_MS && present.seenVersion >= seenVersion) {
      return present.served
    }
    if (outageUntilMs !== NO_OUTAGE) outageUntilMs = now + RETRY_AFTER_MS
    const served = fetch(subject, seenVersion).finally(() => {
      if (flights.get(key) === flight) flights.delete(key)
    })
    const flight = { beganAtMs: now, seenVersion, served }
    flights.set(key, flight)
    return served
  }

  /** From Redis, from whoever is loading it, or by loading it. */
  async function fetch(subject: Cacheable, seenVersion: number): Promise<ServedResponse> {
    const { key, productId } = subject
    const giveUpAtMs = nowMs() + LEASE_MS
    let isStrict = false
    let anyVersionMs = REFRESH_AFTER_MS
    for (;;) {
      const askedAtMs = nowMs()
      const found = await shared.lookup(key, termsOf(subject, askedAtMs, isStrict, anyVersionMs))
      if (found.state === 'found') {
        const { answer, version, ageMs } = found
        const isYoung = ageMs < REFRESH_AFTER_MS && !isBefore(version, seenVersion)
        if (productId !== null || isYoung || isUnaffected(subject, answer, version)) {
          return { entry: await keep(subject, { answer, version, loadedAtMs: askedAtMs - ageMs }), outcome: 'shared' }
        }
        isStrict = true
        if (isBefore(version, seenVersion)) anyVersionMs = 0
        continue
      }
      if (found.state === 'claimed') return await load(subject, found.startedAtMs)
      if (found.state === 'unavailable' || nowMs() > giveUpAtMs) return await load(subject, null)
      await wait(POLL_MS)
    }
  }

  /** @param startedAtMs the time of Redis, with the claim; null without */
  async function load(subject: Cacheable, startedAtMs: number | null): Promise<ServedResponse> {
    const { key, ttlMs } = subject
    const { version } = changeIndex
    const loadedAtMs = nowMs()
    let answer: CachedResponse
    try {
      answer = await subject.load()
    } catch (error) {
      if (startedAtMs !== null) shared.release(key)
      const stale = isOutage(error) ? await standIn(subject) : undefined
      if (stale === undefined) throw error
      outageUntilMs = nowMs() + RETRY_AFTER_MS
      stale.retryAtMs = outageUntilMs
      return { entry: stale, outcome: 'stale' }
    }
    outageUntilMs = NO_OUTAGE
    if (startedAtMs !== null) {
      // Whoever has asked is answered before anything is sent to Redis.
      setImmediate(() => {
        if (version === null) shared.release(key)
        else shared.store(key, { answer, version, startedAtMs, keepMs: ttlMs + STALE_IF_ERROR_MS })
      })
    }
    return { entry: await keep(subject, { answer, version, loadedAtMs }), outcome: 'miss' }
  }

  function refresh(entry: MemoryEntry): void {
    if (isLeftAlone(entry) || flights.has(entry.subject.key)) return
    // Whoever asks once it is too old meets the error.
    fly(entry.subject, 0).catch(() => {})
  }

  /** An older answer, in place of one that cannot be had. */
  async function standIn(subject: Cacheable): Promise<MemoryEntry | undefined> {
    const present = memory.get(subject.key)
    if (present !== undefined) return isStandIn(present) ? present : undefined
    const found = await shared.peek(subject.key)
    // Read at an unknown time: it has expired, and how long ago is for Redis to know.
    const loadedAtMs = nowMs() - subject.ttlMs - MAX_AGE_MS
    const entry = found && (await keep(subject, { ...found, loadedAtMs }))
    return entry?.isDropped ? undefined : entry
  }

  return { get, isUsable }
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && error.status === 503
}
