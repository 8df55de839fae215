/** Loads of which no two run for the same key at the same time. */
export interface SingleFlight<Key, Value> {
  /**
   * Joins the load of a key that is under way, or starts one.
   * @param load starts loading; called at most once, and not at all when there is a load to join
   * @param version the least version that the caller needs to see. A load is joined only by callers whose version is not
   * above that of the caller that started it. 0 unless given
   * @returns the result of the load; all callers that share a load share its value, and its error
   */
  run(key: Key, load: () => Promise<Value>, version?: number): Promise<Value>
  /** Returns whether a load of this key is under way that can be joined. */
  has(key: Key): boolean
  /** Lets later callers start a new load of this key. Callers that wait already still get the result of the old one. */
  forget(key: Key): void
  /** Lets later callers start a new load, whatever the key. Callers that wait already still get the result of the old one. */
  forgetAll(): void
}

/** Limits how old a load may be that is joined. */
interface JoinLimit {
  /** A load that started this long ago, or longer, is not joined: what it returns may be too old for a new caller. */
  maxAgeMs: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
}

interface Flight<Value> {
  readonly startedAtMs: number
  readonly version: number
  readonly result: Promise<Value>
}

/**
 * Makes a single flight: however many callers ask for a key at the same time, it is loaded once, and all of them get the
 * same result. Nothing is kept once a load has ended, be it a value or an error.
 *
 * @example
 * const flights = createSingleFlight<string, Product>()
 * const product = await flights.run(id, () => loadProduct(id))
 * @param limit how old a load may be that is joined; any age unless given
 */
export function createSingleFlight<Key, Value>(limit?: JoinLimit): SingleFlight<Key, Value> {
  const { maxAgeMs, nowMs } = limit ?? { maxAgeMs: Number.POSITIVE_INFINITY, nowMs: () => 0 }
  const flights = new Map<Key, Flight<Value>>()

  function joinable(key: Key): Flight<Value> | undefined {
    const flight = flights.get(key)
    return flight !== undefined && nowMs() - flight.startedAtMs < maxAgeMs ? flight : undefined
  }

  return {
    run(key, load, version = 0) {
      const present = joinable(key)
      if (present !== undefined && present.version >= version) return present.result
      const startedAtMs = nowMs()
      const result = load().finally(() => {
        if (flights.get(key) === flight) flights.delete(key)
      })
      const flight = { startedAtMs, version, result }
      flights.set(key, flight)
      return result
    },
    has: (key) => joinable(key) !== undefined,
    forget(key) {
      flights.delete(key)
    },
    forgetAll() {
      flights.clear()
    }
  }
}

interface SharedLoadOptions<Value> {
  load: () => Promise<Value>
  /** A load that started this long ago, or longer, is replaced. */
  maxAgeMs: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
}

/**
 * Makes a function that loads at most once in `maxAgeMs`, however many call it: all calls until then share one load and
 * its result. An error is shared for as long as a value.
 */
export function createSharedLoad<Value>({ load, maxAgeMs, nowMs }: SharedLoadOptions<Value>): () => Promise<Value> {
  let startedAtMs = Number.NEGATIVE_INFINITY
  let result: Promise<Value> | undefined

  return () => {
    const now = nowMs()
    if (result === undefined || now - startedAtMs >= maxAgeMs) {
      startedAtMs = now
      result = load()
    }
    return result
  }
}
