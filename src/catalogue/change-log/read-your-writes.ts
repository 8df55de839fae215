import { createBoundedMap } from '../../platform/lib/bounded-map.ts'
import type { ChangeIndex } from './change-index.ts'

/** The writes that a reader is to see in lists at once, instead of within a second. */
export interface ReadYourWrites {
  /** Records that a write with this API key was committed, and is in the index. */
  record(keyId: string): void
  /**
   * Returns the lowest version at which a list may have been read to be shown to a client.
   * @param keyId the API key of the client; null for a client without one
   */
  versionFor(keyId: string | null): number
}

/** At up to this rate every client sees each write at once; above it, only the key that wrote does. */
const WRITES_PER_SECOND = 10
const MAX_KEYS = 1000

/**
 * Creates the record of the latest writes on this instance.
 *
 * A cached list may be up to a second old, whatever has changed, so that it stays cached under many writes. But a client
 * that misses its own write in a list takes the write for lost. So a key sees its own writes at once; and while writes
 * are rare, so does everybody: people often write with a key and look without one.
 * @param nowMs a monotonic clock, in ms
 */
export function createReadYourWrites(index: Pick<ChangeIndex, 'version'>, nowMs: () => number): ReadYourWrites {
  const versions = createBoundedMap<string, number>(MAX_KEYS)
  let publicVersion = 0
  const writtenAtMs: number[] = []

  return {
    record(keyId) {
      const version = index.version ?? 0
      versions.set(keyId, version)
      const now = nowMs()
      const before = writtenAtMs.length < WRITES_PER_SECOND ? Number.NEGATIVE_INFINITY : (writtenAtMs.shift() ?? now)
      if (now - before >= 1000) publicVersion = version
      writtenAtMs.push(now)
    },

    versionFor(keyId) {
      const own = keyId === null ? undefined : versions.get(keyId)
      const version = own === undefined ? publicVersion : Math.max(own, publicVersion)
      // A restored database starts again at a lower version.
      return Math.min(version, index.version ?? 0)
    }
  }
}
