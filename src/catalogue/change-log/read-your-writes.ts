import type { ChangeView } from './change-view.ts'

/** What this instance has written, for readers who are to see it at once. */
export interface ReadYourWrites {
  /** A write by this API key was committed, and is in the view. */
  note(keyId: string): void
  /** The version of the log up to which whoever comes with this key, or with none, sees all that was written here. */
  seenBy(keyId: string | null): number
}

/** Of the last second. Up to so many writes are seen at once by everybody; those beyond it by whoever has written. */
const WRITES_PER_SECOND = 10
const MAX_KEYS = 1000

/**
 * An answer that shows many products is given out for a second whatever changes, so that it stays warm under writes of
 * all sorts. Who has just written a product, and does not find it in a list, takes it for lost: so each key reads its own
 * writes, and while there are few of them so does everybody who asks this instance.
 * @param nowMs a monotonic clock
 */
export function createReadYourWrites(view: Pick<ChangeView, 'version'>, nowMs: () => number): ReadYourWrites {
  const versions = new Map<string, number>()
  const times: number[] = new Array(WRITES_PER_SECOND).fill(Number.NEGATIVE_INFINITY)
  let next = 0
  let commonVersion = 0

  return {
    note(keyId) {
      const version = view.version ?? 0
      versions.delete(keyId)
      versions.set(keyId, version)
      const [oldest] = versions.keys()
      if (versions.size > MAX_KEYS && oldest !== undefined) versions.delete(oldest)

      const now = nowMs()
      if (now - (times[next] ?? 0) >= 1000) commonVersion = version
      times[next] = now
      next = (next + 1) % WRITES_PER_SECOND
    },

    seenBy(keyId) {
      const own = keyId === null ? undefined : versions.get(keyId)
      const seen = own === undefined || own < commonVersion ? commonVersion : own
      // A database that was restored begins anew with a lower number.
      return Math.min(seen, view.version ?? 0)
    }
  }
}
