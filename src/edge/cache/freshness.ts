import type { ChangeIndex } from '../../catalogue/change-log/change-index.ts'
import type { Cacheable, CachedResponse } from './cached-response.ts'
import type { MemoryEntry } from './memory-cache.ts'
import type { Validity } from './redis-cache.ts'

/** From this age on a response is reloaded: early enough that the next one is there before this one is too old. */
export const REFRESH_AFTER_MS = 900

/**
 * Decides whether responses that were loaded earlier are still true, by the change log. A version of the log is what was
 * known before a response was loaded. Times are those of the clock of the tail of the log.
 */
export interface Freshness {
  /** Returns whether the log was read so recently that what it does not contain has not happened. */
  isTrusted(nowMs: number): boolean
  /** Returns whether a response that was loaded at a version may lack changes up to another version. */
  isOlder(version: number | null, thanVersion: number): boolean
  /** Returns whether nothing that a list shows has changed since it was loaded. */
  isUnaffected(cacheable: Cacheable, response: CachedResponse, version: number | null): boolean
  /** Returns whether an entry is what it would be if it were loaded now. Records the result in the entry. */
  isFresh(entry: MemoryEntry, nowMs: number): boolean
  /** Returns whether a product may have changed since a version. */
  mayHaveChanged(productId: string, version: number | null): boolean
  /**
   * States when a response in Redis is as good as one that is loaded now.
   * @param isStrict for a list: whether any change counts, because one is known to affect it
   * @param anyVersionMs for a list: up to this age no change counts. A product is never shown as it was before a known change
   */
  validityOf(cacheable: Cacheable, nowMs: number, isStrict: boolean, anyVersionMs: number): Validity
}

/** Creates the rules of freshness for an instance. */
export function createFreshness(changeIndex: ChangeIndex, tail: { readonly trustedUntilMs: number }): Freshness {
  function isTrusted(nowMs: number): boolean {
    return nowMs < tail.trustedUntilMs
  }

  /** A version beyond the known ones is from the log before the database was restored. */
  function isKnown(version: number | null): version is number {
    return version !== null && changeIndex.version !== null && version <= changeIndex.version
  }

  function isUnaffected(cacheable: Cacheable, response: CachedResponse, version: number | null): boolean {
    return isKnown(version) && !changeIndex.isAffectedSince(version, cacheable.affectedBy(response))
  }

  return {
    isTrusted,
    isOlder: (version, thanVersion) => (version ?? 0) < thanVersion,
    isUnaffected,

    isFresh(entry, nowMs) {
      const { cacheable, response, version, expiresAtMs, isAffected } = entry
      if (isAffected || !isTrusted(nowMs) || nowMs >= expiresAtMs || !isKnown(version)) return false
      // The entry of a product is removed when the product changes.
      if (cacheable.productId !== null || version === changeIndex.version) return true
      const isStill = isUnaffected(cacheable, response, version)
      // So no change is looked at twice.
      if (isStill) entry.version = changeIndex.version
      else entry.isAffected = true
      return isStill
    },

    mayHaveChanged(productId, version) {
      const validFrom = changeIndex.validFrom(productId)
      return validFrom === null || !isKnown(version) || version < validFrom
    },

    validityOf({ productId, ttlMs }, nowMs, isStrict, anyVersionMs) {
      const knownVersion = changeIndex.version
      if (productId !== null) {
        const maxAgeMs = isTrusted(nowMs) ? ttlMs : REFRESH_AFTER_MS
        return { anyVersionMs: 0, validFrom: changeIndex.validFrom(productId), knownVersion, ttlMs: maxAgeMs }
      }
      const validFrom = isStrict ? knownVersion : changeIndex.coversFrom
      return { anyVersionMs, validFrom, knownVersion, ttlMs: isTrusted(nowMs) ? ttlMs : 0 }
    }
  }
}
