import type { Cacheable } from './cacheable.ts'
import type { CachedResponse } from './cached-response.ts'
import type { EncodedResponses } from './encoded-response.ts'

/** Of an answer that could be loaded: nothing has to be tried again. */
export const NO_OUTAGE = Number.NEGATIVE_INFINITY

/** An answer in memory, with all that tells whether it still holds. It is brought up to date in place. */
export interface MemoryEntry {
  readonly subject: Cacheable
  answer: CachedResponse
  /** The version of the change log that was known before the answer was read; null where none was. */
  version: number | null
  /** Something has changed since then that it may show. */
  isAffected: boolean
  /** When its reading began, on the clock of the cache. */
  loadedAtMs: number
  expiresAtMs: number
  /** When to try again, after it could not be loaded anew. */
  retryAtMs: number
  /** Thrown out, or known to be wrong. */
  isDropped: boolean
  /** Asked for since the memory last looked for something to throw out. */
  isVisited: boolean
  /** In the codings that were asked for. */
  encoded: EncodedResponses
  /** The URLs under which it was asked for, as they came. */
  urls: string[]
  sizeBytes: number
}

/** Answers by key and by URL, bounded in bytes. */
export interface MemoryCache {
  get(key: string): MemoryEntry | undefined
  /** For a URL that was remembered, as it came: without looking at what it means. */
  getByUrl(url: string): MemoryEntry | undefined
  /** Takes an entry in. What was not asked for in a while goes when there is no room. */
  set(entry: MemoryEntry): void
  /** Measures an entry again. */
  resize(entry: MemoryEntry): void
  rememberUrl(entry: MemoryEntry, url: string): void
  drop(key: string): void
  clear(): void
  readonly sizeBytes: number
  readonly count: number
}

/** What an entry takes beside all that is counted, and what each of its codings does. */
const OVERHEAD_BYTES = 2000
const CODING_OVERHEAD_BYTES = 1000
const URL_OVERHEAD_BYTES = 100
/** The links of a list repeat its query, and so does what is needed to load it anew. */
const LINK_COPIES = 2
const MAX_URLS = 8

/**
 * Evicts by CLOCK (Corbató 1968): in the order in which entries came, but one that was asked for meanwhile gets another
 * round. A hit costs one write of a boolean.
 */
export function createMemoryCache(maxBytes: number): MemoryCache {
  const byKey = new Map<string, MemoryEntry>()
  const byUrl = new Map<string, MemoryEntry>()
  let hand = byKey.values()
  let totalBytes = 0

  function remove(entry: MemoryEntry) {
    byKey.delete(entry.subject.key)
    for (const url of entry.urls) byUrl.delete(url)
    totalBytes -= entry.sizeBytes
    entry.isDropped = true
  }

  /** An iterator that goes on: a new one would have to pass all places from which entries have gone. */
  function turn(): MemoryEntry | undefined {
    const step = hand.next()
    if (!step.done) return step.value
    hand = byKey.values()
    return hand.next().value
  }

  function makeRoom() {
    while (totalBytes > maxBytes) {
      const oldest = turn()
      if (oldest === undefined) return
      if (!oldest.isVisited) {
        remove(oldest)
        continue
      }
      oldest.isVisited = false
      byKey.delete(oldest.subject.key)
      byKey.set(oldest.subject.key, oldest)
    }
  }

  function resize(entry: MemoryEntry) {
    if (entry.isDropped) return
    const sizeBytes = sizeOf(entry)
    totalBytes += sizeBytes - entry.sizeBytes
    entry.sizeBytes = sizeBytes
    // Everything else would have to go first.
    if (sizeBytes > maxBytes) remove(entry)
    else makeRoom()
  }

  return {
    get: (key) => byKey.get(key),
    getByUrl: (url) => byUrl.get(url),
    resize,

    set(entry) {
      const present = byKey.get(entry.subject.key)
      if (present !== entry) {
        if (present !== undefined) remove(present)
        entry.sizeBytes = 0
        byKey.set(entry.subject.key, entry)
      }
      resize(entry)
    },

    rememberUrl(entry, url) {
      if (entry.isDropped || byKey.get(entry.subject.key) !== entry || byUrl.has(url) || entry.urls.length >= MAX_URLS)
        return
      entry.urls.push(url)
      byUrl.set(url, entry)
      resize(entry)
    },

    drop(key) {
      const entry = byKey.get(key)
      if (entry !== undefined) remove(entry)
    },

    clear() {
      for (const entry of byKey.values()) entry.isDropped = true
      byKey.clear()
      byUrl.clear()
      totalBytes = 0
    },

    get sizeBytes() {
      return totalBytes
    },
    get count() {
      return byKey.size
    }
  }
}

function sizeOf({ answer, encoded, urls }: MemoryEntry): number {
  let sizeBytes = OVERHEAD_BYTES + answer.body.length + LINK_COPIES * (answer.link?.length ?? 0)
  for (const { body, lines, contentLines } of Object.values(encoded)) {
    sizeBytes += CODING_OVERHEAD_BYTES + lines.length + contentLines.length
    if (body !== answer.body) sizeBytes += body.length
  }
  for (const url of urls) sizeBytes += URL_OVERHEAD_BYTES + 2 * url.length
  return sizeBytes
}
