/** A map with room for so many entries: the newest ones. */
export interface BoundedMap<Key, Value> extends Pick<Map<Key, Value>, 'get' | 'has' | 'delete' | 'clear'> {
  /** Adds or replaces an entry, which is now the newest one. When there is no room the oldest entry is removed. */
  set(key: Key, value: Value): void
  readonly size: number
}

/**
 * Makes a map that removes its oldest entry (first in, first out) when it is full. Reading an entry does not make it
 * newer, so `get` and `has` cost what they cost in a `Map`; `createClockCache` is the one that keeps what is used.
 * @param maxEntries at least 1
 */
export function createBoundedMap<Key, Value>(maxEntries: number): BoundedMap<Key, Value> {
  const entries = new Map<Key, Value>()
  const nextOldest = createOldestKeyFinder(entries)

  return {
    get: (key) => entries.get(key),
    has: (key) => entries.has(key),
    delete: (key) => entries.delete(key),
    clear: () => entries.clear(),
    set(key, value) {
      if (!entries.delete(key) && entries.size >= maxEntries) entries.delete(nextOldest() as Key)
      entries.set(key, value)
    },
    get size() {
      return entries.size
    }
  }
}

/**
 * Makes a function that returns the oldest key of a map in constant time; the caller has to delete that key before the
 * next call. A new iterator for each call would have to pass the places of all entries that have been deleted: V8 closes
 * those gaps only now and then.
 * @returns a function that returns undefined for an empty map
 */
export function createOldestKeyFinder<Key>(entries: ReadonlyMap<Key, unknown>): () => Key | undefined {
  let keys = entries.keys()
  return () => {
    const step = keys.next()
    if (!step.done) return step.value
    // An iterator that has come to its end stays there.
    keys = entries.keys()
    return keys.next().value
  }
}
