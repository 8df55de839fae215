import type { Cacheable } from './cacheable.ts'
import type { CachedResponse } from './cached-response.ts'
import { type EncodeResponse, encodeAgain } from './encoded-response.ts'
import type { Freshness } from './freshness.ts'
import { type MemoryCache, type MemoryEntry, NO_OUTAGE } from './memory-cache.ts'

interface AnswerKeeperOptions {
  memory: MemoryCache
  validity: Freshness
  /** Makes a body ready to be sent, in the codings in which it was asked for before. */
  encode: EncodeResponse
}

type ReadAnswer = Pick<MemoryEntry, 'answer' | 'version' | 'loadedAtMs'>

/** Puts answers into memory, unless what they show has changed since they were read: then they are for those who wait. */
export function createResponseKeeper({ memory, validity, encode }: AnswerKeeperOptions) {
  return async (subject: Cacheable, { answer, version, loadedAtMs }: ReadAnswer): Promise<MemoryEntry> => {
    const { key, productId, ttlMs } = subject
    const present = memory.get(key)
    const latest = await withBodies(answer, present)
    const times = { loadedAtMs, expiresAtMs: loadedAtMs + ttlMs, retryAtMs: NO_OUTAGE }
    const news = { ...latest, version, isAffected: false, ...times }
    if (present !== undefined && !present.isDropped) {
      const isNewer = loadedAtMs > present.loadedAtMs || validity.isBefore(present.version, version ?? 0)
      if (isNewer) memory.set(Object.assign(present, news))
      return present
    }
    const entry: MemoryEntry = {
      ...{ subject, encoded: {}, ...news },
      ...{ isDropped: false, isVisited: false, urls: [], sizeBytes: 0 }
    }
    if (productId !== null && validity.hasChanged(productId, version)) entry.isDropped = true
    else memory.set(entry)
    return entry
  }

  /** Where it is the same as before, so are its bodies. */
  async function withBodies(answer: CachedResponse, present: MemoryEntry | undefined) {
    if (present === undefined) return { answer, encoded: {} }
    if (present.answer.etag === answer.etag) return { answer: { ...answer, body: present.answer.body } }
    return { answer, encoded: await encodeAgain(encode, answer, present.encoded) }
  }
}
