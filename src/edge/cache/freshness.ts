import type { ChangeIndex } from '../../catalogue/change-log/change-index.ts'
import type { Cacheable } from './cacheable.ts'
import type { CachedResponse } from './cached-response.ts'
import type { MemoryEntry } from './memory-cache.ts'
import type { Validity } from './redis-cache.ts'

/** Early enough that the next answer is there before this one is too old: nobody waits, and it is read once a second. */
export const REFRESH_AFTER_MS = 900

export type Freshness = ReturnType<typeof createFreshness>

/** What the change log tells about answers that were read before. Times are those of the clock of the tail. */
export function createFreshness(changeIndex: ChangeIndex, tail: { readonly trustedUntilMs: number }) {
  function isTrusted(now: number): boolean {
    return now < tail.trustedUntilMs
  }

  /** A version beyond those that are known is one of the log before the database was restored. */
  function isKnown(version: number | null): version is number {
    return version !== null && changeIndex.version !== null && version <= changeIndex.version
  }

  /** Whether what was read at a version may lack changes up to another one. */
  function isBefore(version: number | null, otherVersion: number): boolean {
    return (version ?? 0) < otherVersion
  }

  /** Whether nothing has changed that this list shows, since it was read at that version. */
  function isUnaffected(subject: Cacheable, answer: CachedResponse, version: number | null): boolean {
    return isKnown(version) && !changeIndex.isAffectedSince(version, subject.affectedBy(answer))
  }

  /** Whether an answer is as it would be if it were loaded now. */
  function isHolding(entry: MemoryEntry, now: number): boolean {
    const { subject, answer, version, expiresAtMs, isAffected } = entry
    if (isAffected || !isTrusted(now) || now >= expiresAtMs || !isKnown(version)) return false
    // Products are dropped with their changes.
    if (subject.productId !== null || version === changeIndex.version) return true
    const isStill = isUnaffected(subject, answer, version)
    // So that no change is looked at twice.
    if (isStill) entry.version = changeIndex.version
    else entry.isAffected = true
    return isStill
  }

  /** Whether a product has changed since that version, as far as can be told. */
  function hasChanged(productId: string, version: number | null): boolean {
    const validFrom = changeIndex.validFrom(productId)
    return validFrom === null || !isKnown(version) || version < validFrom
  }

  /**
   * On which terms an answer in Redis is as good as one that is loaded now. A state of a product before a change that is
   * known is not shown any longer, however young it is.
   * @param isStrict for a list: whether any change counts, as one of them is known to
   * @param anyVersionMs for a list: up to which age no change counts
   */
  function termsOf({ productId, ttlMs }: Cacheable, now: number, isStrict: boolean, anyVersionMs: number): Validity {
    const knownVersion = changeIndex.version
    if (productId !== null) {
      const maxAgeMs = isTrusted(now) ? ttlMs : REFRESH_AFTER_MS
      return { anyVersionMs: 0, validFrom: changeIndex.validFrom(productId), knownVersion, ttlMs: maxAgeMs }
    }
    const validFrom = isStrict ? knownVersion : changeIndex.coversFrom
    return { anyVersionMs, validFrom, knownVersion, ttlMs: isTrusted(now) ? ttlMs : 0 }
  }

  return { isTrusted, isBefore, isUnaffected, isHolding, hasChanged, termsOf }
}
