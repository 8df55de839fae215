import type { Database } from '../../platform/database/database.ts'
import type { ChangeIndex } from './change-index.ts'
import { numberChanges, readChanges, readHead } from './product-changes.ts'

const INTERVAL_MS = 200
/** The time limit of each statement of the tail, which usually takes a millisecond. */
export const TAIL_TIMEOUT_MS = 800
/** How long a reading of the log may be relied on. Whatever else a response takes has to fit into the rest of a second. */
const TRUST_MS = 900

/** A loop that reads what is new in the change log. */
export interface ChangeTail {
  /** When the last reading began that came to the end of the log, on the clock of the tail. */
  readonly readAtMs: number
  /** Until this time, on the clock of the tail, the index has everything that was committed more than a second before. */
  readonly trustedUntilMs: number
  /** Resolves when the log was read for the first time, or could not be. */
  readonly firstReading: Promise<void>
  /** Reads now instead of after the interval. Resolves when a reading that began after the call has ended or failed. */
  readNow(): Promise<void>
  stop(): void
}

interface TailOptions {
  database: Database
  index: ChangeIndex
  /** A monotonic clock, in ms. */
  nowMs: () => number
  onFailure: (error: Error) => void
  onSuccess: () => void
}

/**
 * Opens a tail, which keeps an index of changes up to date: five times a second, through any failure, until it is stopped.
 */
export function openChangeTail({ database, index, nowMs, onFailure, onSuccess }: TailOptions): ChangeTail {
  let readAtMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let isReading = false
  /** The callers of `readNow` that wait for the next reading. */
  let waiters: (() => void)[] = []

  async function read() {
    isReading = true
    const served = waiters
    waiters = []
    const startedAtMs = nowMs()
    try {
      await catchUp(database, index)
      readAtMs = startedAtMs
      onSuccess()
    } catch (error) {
      if (!isStopped) onFailure(error as Error)
    }
    isReading = false
    for (const resolve of served) resolve()
    schedule(waiters.length > 0 ? 0 : INTERVAL_MS)
  }

  function schedule(delayMs: number) {
    clearTimeout(timer)
    if (!isStopped) timer = setTimeout(read, delayMs)
  }

  const firstReading = read()
  return {
    firstReading,
    get readAtMs() {
      return readAtMs
    },
    get trustedUntilMs() {
      return readAtMs + TRUST_MS
    },
    readNow() {
      if (isStopped) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      waiters.push(resolve)
      if (!isReading) schedule(0)
      return promise
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
      for (const resolve of waiters) resolve()
    }
  }
}

/** Adds everything to the index that was committed before the call. */
async function catchUp(database: Database, index: ChangeIndex): Promise<void> {
  index.beginReading()
  await numberChanges(database)
  for (;;) {
    if (index.version === null) index.restart(await readHead(database))
    const step = await readChanges(database, index.version ?? 0)
    if (step === undefined) {
      index.restart(await readHead(database))
      continue
    }
    index.apply(step.rows)
    if (step.isComplete) return index.endReading()
  }
}
