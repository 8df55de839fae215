import type { Change } from './change.ts'
import type { LoggedChanges } from './read-changes.ts'

/** Of some megabytes, and at a hundred writes a second of more than a minute. */
const MAX_CHANGES = 10_000

/** The end of the change log, kept to be looked through. */
export interface RecentChanges {
  /** The lowest version since which all changes are here. */
  readonly since: number
  add(row: LoggedChanges): void
  /** Whether there is one of these after a version; undefined where that is too long ago to tell. */
  hasAfter(version: number, isOne: (change: Change) => boolean): boolean | undefined
  restart(head: number): void
}

export function createRecentChanges(): RecentChanges {
  /** In the order of their numbers, without a gap. */
  let rows: LoggedChanges[] = []
  let count = 0
  let since = 0

  return {
    get since() {
      return since
    },

    add(row) {
      rows.push(row)
      count += row.changes.length
      while (count > MAX_CHANGES) {
        const oldest = rows.shift()
        count -= oldest?.changes.length ?? 0
        since = oldest?.seq ?? since
      }
    },

    hasAfter(version, isOne) {
      if (version < since) return undefined
      for (let at = version - since; at < rows.length; at++) {
        for (const change of rows[at]?.changes ?? []) if (isOne(change)) return true
      }
      return false
    },

    restart(head) {
      rows = []
      count = 0
      since = head
    }
  }
}
