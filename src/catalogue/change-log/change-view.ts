import type { Change } from './change.ts'
import type { LoggedChanges } from './read-changes.ts'
import { createRecentChanges } from './recent-changes.ts'

/** Products whose last change is remembered, twice over. */
const REMEMBERED_PRODUCTS = 20_000

/**
 * What an instance knows of the changes of products, to decide whether a state that somebody has read still holds.
 * A state is read *at* a version: the highest number of the change log that was known before the reading began.
 */
export interface ChangeView {
  /** The version to read at from now on. Null until the log was read for the first time. */
  readonly version: number | null
  /** The lowest version at which a state of this product must have been read to hold still; null where none does. */
  validFrom(productId: string): number | null
  /** The lowest version since which `isTouchedSince` can tell; null where it cannot. */
  readonly tellsFrom: number | null
  /** Whether there was a change of this kind since a version. True, too, where that is too long ago to tell. */
  isTouchedSince(version: number, isTouching: (change: Change) => boolean): boolean
  /** A write of this instance was committed: until it comes back in the log, no state of these products holds. */
  noteOwnWrite(productIds: readonly string[]): void
  /** The log is being read, from here to `endReading`, to its end. */
  beginReading(): void
  apply(rows: readonly LoggedChanges[]): void
  endReading(): void
  /** Begins anew at a number, knowing nothing of what was before. */
  restart(head: number): void
  /** From now on the listener is told the ids of products that have changed; null where any may have. */
  onChanged(listener: ChangeListener): void
}

type ChangeListener = (productIds: readonly string[] | null) => void

export function createChangeView(): ChangeView {
  const listeners: ChangeListener[] = []
  let version: number | null = null
  /** Since when all changes are remembered: those of two generations, of which the older one is forgotten when full. */
  let floor = 0
  let olderFloor = 0
  let recent = new Map<string, number>()
  let older = new Map<string, number>()
  /** Products of own writes, with the reading that was the last to begin before each was noted. */
  const awaited = new Map<string, number>()
  let reading = 0
  const recently = createRecentChanges()

  function remember(seq: number, productIds: readonly string[]) {
    for (const id of productIds) recent.set(id, seq)
    if (recent.size < REMEMBERED_PRODUCTS) return
    olderFloor = floor
    older = recent
    recent = new Map()
    floor = seq
  }

  function tell(productIds: readonly string[] | null) {
    for (const listener of listeners) listener(productIds)
  }

  return {
    get version() {
      return version
    },

    get tellsFrom() {
      return version === null ? null : recently.since
    },

    isTouchedSince(since, isTouching) {
      return version === null || (since !== version && recently.hasAfter(since, isTouching) !== false)
    },

    validFrom(id) {
      if (version === null || awaited.has(id)) return null
      return recent.get(id) ?? older.get(id) ?? olderFloor
    },

    noteOwnWrite(productIds) {
      for (const id of productIds) awaited.set(id, reading)
      tell(productIds)
    },

    beginReading() {
      reading++
    },

    apply(rows) {
      for (const row of rows) {
        const { seq, changes } = row
        const productIds = changes.map(({ id }) => id)
        recently.add(row)
        remember(seq, productIds)
        version = seq
        tell(productIds)
      }
    },

    endReading() {
      // A reading that began after the commit has brought the write.
      for (const [id, noted] of awaited) if (noted < reading) awaited.delete(id)
    },

    restart(head) {
      version = head
      floor = head
      olderFloor = head
      recent = new Map()
      older = new Map()
      recently.restart(head)
      tell(null)
    },

    onChanged(listener) {
      listeners.push(listener)
    }
  }
}
