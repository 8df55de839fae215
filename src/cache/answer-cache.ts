import { setTimeout as wait } from 'node:timers/promises'
import type { ChangeView } from '../changes/change-view.ts'
import { AppError } from '../errors.ts'
import type { Answer } from '../http/answer.ts'
import type { ContentCoding } from '../http/content-coding.ts'
import type { EncodeAnswer } from '../http/encoded-answer.ts'
import type { AnswerMemory, CachedAnswer } from './answer-memory.ts'
import { LEASE_MS, type SharedAnswers } from './shared-answers.ts'

/** What is asked for, and how to come by it. */
export interface Subject {
  /** Of a fixed form: no text of a client reaches another entry, or the keys of anything else. */
  key: string
  /** The product that the answer shows, in hexadecimal digits; null where any change of any product may change it. */
  productId: string | null
  ttlMs: number
  load: () => Promise<Answer>
}

/** Where an answer comes from: the memory, Redis, MySQL, or the past, when MySQL does not answer. */
export type Outcome = 'memory' | 'shared' | 'miss' | 'stale'

export interface Served {
  entry: CachedAnswer
  outcome: Outcome
}

export interface AnswerCache {
  /** @throws whatever the loading throws, unless it is a 503 and there is an older answer */
  get(subject: Subject): Promise<Served>
  /** For an entry that is at hand: whether it may be sent right now. Has it brought up to date when that is due. */
  isUsable(entry: CachedAnswer): boolean
}

interface AnswerCacheOptions {
  memory: AnswerMemory
  shared: SharedAnswers
  view: ChangeView
  tail: { readonly trustedUntilMs: number }
  /** The clock of the tail. */
  nowMs: () => number
  /** Makes a body ready to be sent, in the codings in which it was asked for before. */
  encode: EncodeAnswer
}

/** Whatever was read less than a second ago is less than a second old. */
const MAX_AGE_MS = 1000
/** Early enough that the next answer is there before this one is too old: nobody waits, and it is read once a second. */
const REFRESH_AFTER_MS = 900
const POLL_MS = 10
/** While MySQL does not answer: for how long older answers stand in, and how often one request tries. */
const STALE_IF_ERROR_MS = 600_000
const RETRY_AFTER_MS = 1000

/**
 * Answers from memory, from Redis, or by loading, with one loader for a key however many ask: in this process by
 * single-flight, across instances under a lease.
 *
 * An answer holds while nothing has changed that it shows, as the change log tells; and for a second after it was read,
 * whatever changes, so that an answer that is asked for all the time is loaded about once a second under any load of
 * writes. When the log was not read within a second, only the second counts. The one exception: an answer of a single
 * product goes at once with a change of that product.
 */
export function answerCache({ memory, shared, view, tail, nowMs, encode }: AnswerCacheOptions): AnswerCache {
  const flights = new Map<string, Promise<Served>>()
  let outageUntilMs = Number.NEGATIVE_INFINITY

  view.onChanged((productIds) => {
    if (productIds === null) return memory.clear()
    for (const id of productIds) {
      const key = productKey(id)
      memory.drop(key)
      // Whoever asks from now on does not get what was read before the change.
      flights.delete(key)
    }
  })

  /** The version from which on an answer holds; null while the log is not to be trusted. */
  function validFrom(productId: string | null, now: number): number | null {
    return now < tail.trustedUntilMs ? view.validFrom(productId) : null
  }

  function isHolding({ productId, version, expiresAtMs }: CachedAnswer, now: number): boolean {
    const from = validFrom(productId, now)
    return from !== null && version !== null && version >= from && now < expiresAtMs
  }

  function isUsable(entry: CachedAnswer): boolean {
    if (entry.isDropped) return false
    const now = nowMs()
    const ageMs = now - entry.loadedAtMs
    if (ageMs >= REFRESH_AFTER_MS && !isHolding(entry, now)) {
      if (ageMs >= MAX_AGE_MS) return false
      entry.refresh()
    }
    entry.isVisited = true
    return true
  }

  async function get(subject: Subject): Promise<Served> {
    const entry = memory.get(subject.key)
    if (entry !== undefined) {
      if (isUsable(entry)) return { entry, outcome: 'memory' }
      if (nowMs() < outageUntilMs) return { entry, outcome: 'stale' }
    }
    return await fly(subject)
  }

  function fly(subject: Subject): Promise<Served> {
    const present = flights.get(subject.key)
    if (present !== undefined) return present
    const flight = fetch(subject).finally(() => {
      if (flights.get(subject.key) === flight) flights.delete(subject.key)
    })
    flights.set(subject.key, flight)
    return flight
  }

  /** From Redis, from whoever is loading it, or by loading it. */
  async function fetch(subject: Subject): Promise<Served> {
    const { key, productId, ttlMs } = subject
    const giveUpAtMs = nowMs() + LEASE_MS
    for (;;) {
      const askedAtMs = nowMs()
      const terms = { anyVersionMs: REFRESH_AFTER_MS, validFrom: validFrom(productId, askedAtMs), ttlMs }
      const found = await shared.lookup(key, terms)
      if (found.state === 'found') {
        const { answer, version, ageMs } = found
        return { entry: await keep(subject, answer, version, askedAtMs - ageMs), outcome: 'shared' }
      }
      if (found.state === 'claimed') return await load(subject, found.startedAtMs)
      if (found.state === 'unavailable' || nowMs() > giveUpAtMs) return await load(subject, null)
      await wait(POLL_MS)
    }
  }

  /** @param startedAtMs the time of Redis, with the claim; null without */
  async function load(subject: Subject, startedAtMs: number | null): Promise<Served> {
    const { key, ttlMs } = subject
    const { version } = view
    const loadedAtMs = nowMs()
    let answer: Answer
    try {
      answer = await subject.load()
    } catch (error) {
      if (startedAtMs !== null) shared.release(key)
      const stale = isOutage(error) ? await standIn(subject) : undefined
      if (stale === undefined) throw error
      outageUntilMs = nowMs() + RETRY_AFTER_MS
      return { entry: stale, outcome: 'stale' }
    }
    outageUntilMs = Number.NEGATIVE_INFINITY
    if (startedAtMs !== null) {
      // Nobody waits for Redis to have taken it.
      if (version === null) shared.release(key)
      else shared.store(key, { answer, version, startedAtMs, keepMs: ttlMs + STALE_IF_ERROR_MS })
    }
    return { entry: await keep(subject, answer, version, loadedAtMs), outcome: 'miss' }
  }

  /** Puts an answer into memory, unless what it shows has changed since it was read: then it is for those who wait. */
  async function keep(subject: Subject, answer: Answer, version: number | null, loadedAtMs: number) {
    const { key, productId, ttlMs } = subject
    const present = memory.get(key)
    const isSame = present?.answer.etag === answer.etag
    const encoded = present === undefined || isSame ? {} : await encodeAll(answer, present.encoded)
    const news = { version, loadedAtMs, expiresAtMs: loadedAtMs + ttlMs, ...(!isSame && { answer, encoded }) }
    if (present !== undefined && !present.isDropped) {
      if (loadedAtMs > present.loadedAtMs) memory.set(Object.assign(present, news))
      return present
    }
    const entry: CachedAnswer = {
      ...{ key, productId, answer, encoded: {}, ...news },
      ...{ isDropped: false, isVisited: false, urls: [], sizeBytes: 0 },
      refresh: () => refresh(subject)
    }
    const from = view.validFrom(productId)
    const hasChanged = productId !== null && (from === null || version === null || version < from)
    if (hasChanged) entry.isDropped = true
    else memory.set(entry)
    return entry
  }

  async function encodeAll(answer: Answer, codings: CachedAnswer['encoded']): Promise<CachedAnswer['encoded']> {
    const names = Object.keys(codings) as ContentCoding[]
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await encode(answer, name)])))
  }

  function refresh(subject: Subject): void {
    if (nowMs() < outageUntilMs || flights.has(subject.key)) return
    // Whoever asks once it is too old meets the error.
    fly(subject).catch(() => {})
  }

  /** An older answer, in place of one that cannot be had. */
  async function standIn(subject: Subject): Promise<CachedAnswer | undefined> {
    const present = memory.get(subject.key)
    if (present !== undefined) return present
    const found = await shared.peek(subject.key)
    // Read at an unknown time: it is never taken for recent.
    return found && (await keep(subject, found.answer, found.version, Number.NEGATIVE_INFINITY))
  }

  return { get, isUsable }
}

/** Lists and whatever else shows many products have keys of another form. */
export function productKey(productId: string): string {
  return `product:${productId}`
}

function isOutage(error: unknown): boolean {
  return error instanceof AppError && error.status === 503
}
