import type { Change, LoggedChanges } from './product-changes.ts'

/** How many products each of the two generations remembers the last change of. */
const REMEMBERED_PRODUCTS = 20_000
/** How many of the latest changes can be searched: some megabytes, and over a minute at a hundred writes a second. */
const MAX_CHANGES = 10_000

/**
 * An index in memory of the latest changes in the change log. With it an instance decides whether something that it read
 * from the database is still true. A *version* is a number of the change log: what is read at version 7 was read after
 * change 7 was known here, and so includes it.
 */
export interface ChangeIndex {
  /** The version of what is read from now on: the highest number that is known. Null until the log was first read. */
  readonly version: number | null
  /** Returns the lowest version at which a state of this product is still true; null when no version is known to be. */
  validFrom(productId: string): number | null
  /** The lowest version that `isAffectedSince` knows all later changes of; null until the log was first read. */
  readonly coversFrom: number | null
  /** Returns whether a change that passes the test came after a version. Also true when that is too long ago to know. */
  isAffectedSince(version: number, isAffecting: (change: Change) => boolean): boolean
  /** Records a write that this instance has just committed: no state of these products is true until it was read in the log. */
  markWritten(productIds: readonly string[]): void
  /** Marks the start of a reading of the log, which goes to its end unless it fails. */
  beginReading(): void
  /** Adds rows that follow `version`. */
  apply(rows: readonly LoggedChanges[]): void
  /** Marks the end of a reading that came to the end of the log. */
  endReading(): void
  /** Forgets everything and starts at a number: the log does not continue from `version`. */
  restart(head: number): void
  /** Adds a listener for the ids of products that have changed; null stands for any product. */
  onChanged(listener: ChangeListener): void
}

type ChangeListener = (productIds: readonly string[] | null) => void

/** Creates an index that knows nothing yet. */
export function createChangeIndex(): ChangeIndex {
  const listeners: ChangeListener[] = []
  let version: number | null = null
  /** The last change of each product, in two generations; when the newer one is full, the older one is forgotten. */
  let recent = new Map<string, number>()
  let older = new Map<string, number>()
  let recentFloor = 0
  let olderFloor = 0
  /** Products that this instance has written, with the number of readings that had begun by then. */
  const written = new Map<string, number>()
  let readings = 0
  const latest = createLatestChanges()

  function remember(seq: number, productIds: readonly string[]) {
    for (const id of productIds) recent.set(id, seq)
    if (recent.size < REMEMBERED_PRODUCTS) return
    olderFloor = recentFloor
    older = recent
    recent = new Map()
    recentFloor = seq
  }

  function notify(productIds: readonly string[] | null) {
    for (const listener of listeners) listener(productIds)
  }

  return {
    get version() {
      return version
    },

    get coversFrom() {
      return version === null ? null : latest.since
    },

    isAffectedSince(since, isAffecting) {
      return version === null || (since !== version && latest.hasAfter(since, isAffecting) !== false)
    },

    validFrom(id) {
      if (version === null || written.has(id)) return null
      return recent.get(id) ?? older.get(id) ?? olderFloor
    },

    markWritten(productIds) {
      for (const id of productIds) written.set(id, readings)
      notify(productIds)
    },

    beginReading() {
      readings++
    },

    apply(rows) {
      for (const row of rows) {
        const { seq, changes } = row
        const productIds = changes.map(({ id }) => id)
        latest.add(row)
        remember(seq, productIds)
        version = seq
        notify(productIds)
      }
    },

    endReading() {
      // A reading that began after the commit has read the write.
      for (const [id, readingsBefore] of written) if (readingsBefore < readings) written.delete(id)
    },

    restart(head) {
      version = head
      recentFloor = head
      olderFloor = head
      recent = new Map()
      older = new Map()
      latest.restart(head)
      notify(null)
    },

    onChanged(listener) {
      listeners.push(listener)
    }
  }
}

/** The end of the change log, in memory, to be searched. */
function createLatestChanges() {
  /** In the order of their numbers, without a gap: row 0 is the one after `since`. */
  let rows: LoggedChanges[] = []
  let count = 0
  let since = 0

  return {
    get since() {
      return since
    },

    add(row: LoggedChanges) {
      rows.push(row)
      count += row.changes.length
      while (count > MAX_CHANGES) {
        const oldest = rows.shift()
        count -= oldest?.changes.length ?? 0
        since = oldest?.seq ?? since
      }
    },

    /** Returns undefined when the version is too old to know. */
    hasAfter(version: number, isMatch: (change: Change) => boolean): boolean | undefined {
      if (version < since) return undefined
      for (let at = version - since; at < rows.length; at++) {
        for (const change of rows[at]?.changes ?? []) if (isMatch(change)) return true
      }
      return false
    },

    restart(head: number) {
      rows = []
      count = 0
      since = head
    }
  }
}
