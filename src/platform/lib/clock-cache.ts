import { createOldestKeyFinder } from './bounded-map.ts'

/** An entry of a clock cache. */
export interface ClockEntry {
  /**
   * Set to true by the user of the cache whenever the entry is used, and to false by the cache when it spares the entry.
   * That makes a hit as cheap as one write of a boolean.
   */
  isVisited: boolean
}

/** Entries by key, of which those that are not used can be evicted. The user decides when there are too many. */
export interface ClockCache<Key, Entry extends ClockEntry> {
  /** Returns an entry without marking it as visited. */
  get(key: Key): Entry | undefined
  /** Adds an entry, or replaces the one of this key, behind all others. Evicts nothing. */
  set(key: Key, entry: Entry): void
  delete(key: Key): boolean
  clear(): void
  values(): IterableIterator<Entry>
  readonly size: number
  /** Returns the entry under the hand, and moves the hand on to the next one; undefined when there are no entries. */
  advance(): Entry | undefined
  /**
   * Moves the hand until it finds an entry that was not visited since the hand was there last; removes it.
   * @param mayEvict spares the entries for which it returns false
   * @returns the removed entry; undefined when none may be evicted
   */
  evict(mayEvict?: (entry: Entry) => boolean): Entry | undefined
}

/**
 * Makes a cache that evicts by CLOCK, also known as second chance (F. J. Corbató, A Paging Experiment with the Multics
 * System, 1968): entries stand in a circle in the order in which they came; a hand goes round, takes the mark from
 * entries that were visited, and removes the first one that was not.
 */
export function createClockCache<Key, Entry extends ClockEntry>(): ClockCache<Key, Entry> {
  /** The circle. The hand is always at its first entry: to pass an entry is to move it to the end. */
  const entries = new Map<Key, Entry>()
  const keyUnderHand = createOldestKeyFinder(entries)

  function take(): [key: Key, entry: Entry] | undefined {
    const key = keyUnderHand() as Key
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    entries.delete(key)
    return [key, entry]
  }

  return {
    get: (key) => entries.get(key),
    set(key, entry) {
      entries.delete(key)
      entries.set(key, entry)
    },
    delete: (key) => entries.delete(key),
    clear: () => entries.clear(),
    values: () => entries.values(),
    get size() {
      return entries.size
    },

    advance() {
      const taken = take()
      if (taken !== undefined) entries.set(...taken)
      return taken?.[1]
    },

    evict(mayEvict = () => true) {
      // The first round takes the marks away, the second one finds an entry without.
      for (let turns = 2 * entries.size; turns > 0; turns--) {
        const taken = take()
        if (taken === undefined) return undefined
        const [key, entry] = taken
        const isSpared = !mayEvict(entry)
        if (!isSpared && !entry.isVisited) return entry
        if (!isSpared) entry.isVisited = false
        entries.set(key, entry)
      }
      return undefined
    }
  }
}
