import { createClockCache } from '../../platform/lib/clock-cache.ts'
import type { Cacheable, CachedResponse, EncodedResponses } from './cached-response.ts'

/** The `retryAtMs` of a response whose last load did not fail. */
export const NO_OUTAGE = Number.NEGATIVE_INFINITY

/** A response in memory, with everything needed to decide whether it is still true. It is refreshed in place. */
export interface MemoryEntry {
  readonly cacheable: Cacheable
  response: CachedResponse
  /** The version of the change log that was known before the response was loaded; null if none was. */
  version: number | null
  /** Whether something that it may show has changed since then. */
  isAffected: boolean
  /** When loading it began, on the clock of the cache. */
  loadedAtMs: number
  expiresAtMs: number
  /** When to try again, after reloading it has failed. */
  retryAtMs: number
  /** Whether it was evicted, or is known to be wrong. */
  isRemoved: boolean
  /** Whether it was asked for since the cache last looked for something to evict. */
  isVisited: boolean
  /** The response in the codings that were asked for. */
  encoded: EncodedResponses
  /** The URLs under which it was asked for, exactly as they came. */
  urls: string[]
  sizeBytes: number
}

/** Responses by key and by URL, bounded in bytes. */
export interface MemoryCache {
  get(key: string): MemoryEntry | undefined
  /** Finds the entry of a remembered URL, without parsing it. */
  getByUrl(url: string): MemoryEntry | undefined
  /** Adds an entry. If there is no room, entries that were not asked for recently are evicted. */
  set(entry: MemoryEntry): void
  /** Measures an entry again. */
  resize(entry: MemoryEntry): void
  /** Remembers a URL under which an entry was asked for. */
  rememberUrl(entry: MemoryEntry, url: string): void
  remove(key: string): void
  clear(): void
  readonly sizeBytes: number
  readonly count: number
}

/** What an entry takes beside everything that is counted, and what each of its codings does. */
const OVERHEAD_BYTES = 2000
const CODING_OVERHEAD_BYTES = 1000
const URL_OVERHEAD_BYTES = 100
/** The links of a list repeat its query, and so does what is needed to reload it. */
const LINK_COPIES = 2
const MAX_URLS = 8

/** Creates a cache in memory that evicts by CLOCK: a hit costs one write of a boolean. */
export function createMemoryCache(maxBytes: number): MemoryCache {
  const byKey = createClockCache<string, MemoryEntry>()
  const byUrl = new Map<string, MemoryEntry>()
  let totalBytes = 0

  function forget(entry: MemoryEntry): void {
    for (const url of entry.urls) byUrl.delete(url)
    totalBytes -= entry.sizeBytes
    entry.isRemoved = true
  }

  function remove(key: string): void {
    const entry = byKey.get(key)
    if (entry === undefined) return
    byKey.delete(key)
    forget(entry)
  }

  function resize(entry: MemoryEntry): void {
    if (entry.isRemoved) return
    const sizeBytes = sizeOf(entry)
    totalBytes += sizeBytes - entry.sizeBytes
    entry.sizeBytes = sizeBytes
    // Everything else would have to go first.
    if (sizeBytes > maxBytes) remove(entry.cacheable.key)
    while (totalBytes > maxBytes) {
      const evicted = byKey.evict()
      if (evicted === undefined) return
      forget(evicted)
    }
  }

  return {
    get: byKey.get,
    getByUrl: (url) => byUrl.get(url),
    resize,
    remove,

    set(entry) {
      const { key } = entry.cacheable
      if (byKey.get(key) !== entry) {
        remove(key)
        entry.sizeBytes = 0
        byKey.set(key, entry)
      }
      resize(entry)
    },

    rememberUrl(entry, url) {
      if (entry.isRemoved || byKey.get(entry.cacheable.key) !== entry) return
      if (byUrl.has(url) || entry.urls.length >= MAX_URLS) return
      entry.urls.push(url)
      byUrl.set(url, entry)
      resize(entry)
    },

    clear() {
      for (const entry of byKey.values()) entry.isRemoved = true
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

function sizeOf({ response, encoded, urls }: MemoryEntry): number {
  let sizeBytes = OVERHEAD_BYTES + response.body.length + LINK_COPIES * (response.link?.length ?? 0)
  for (const { body, headers, contentHeaders } of Object.values(encoded)) {
    sizeBytes += CODING_OVERHEAD_BYTES + headers.text.length + contentHeaders.text.length
    if (body !== response.body) sizeBytes += body.length
  }
  for (const url of urls) sizeBytes += URL_OVERHEAD_BYTES + 2 * url.length
  return sizeBytes
}
