import type { Database } from '../../platform/database/database.ts'
import type { ChangeView } from './change-view.ts'
import { numberChanges } from './number-changes.ts'
import { readChanges, readHead } from './read-changes.ts'

const INTERVAL_MS = 200
/** A statement of the tail takes a millisecond; what takes this long is a fault, and nothing is trusted by then. */
export const TAIL_TIMEOUT_MS = 800
/** For how long the log, once read, says how things are. Everything else that an answer takes has to fit into a second. */
const TRUST_MS = 900

/** The reading of the change log, again and again. */
export interface ChangeTail {
  /** When, on the clock of the tail, the last reading began that came to the end of the log. */
  readonly readAtMs: number
  /** Until when the view shows everything that was committed less than a second before. */
  readonly trustedUntilMs: number
  /** Resolves when the log was read for the first time, or could not be. */
  readonly firstReading: Promise<void>
  /**
   * Reads soon instead of after the interval: there is something new. Resolves when a reading that began after the call
   * has come to its end, or has failed.
   */
  hasten(): Promise<void>
  stop(): void
}

interface TailOptions {
  database: Database
  view: ChangeView
  /** A monotonic clock, in ms. */
  nowMs: () => number
  onFailure: (error: Error) => void
  onSuccess: () => void
}

/** Keeps a view up to date, several times a second, from now on until it is stopped. Goes on after any failure. */
export function openChangeTail({ database, view, nowMs, onFailure, onSuccess }: TailOptions): ChangeTail {
  let readAtMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let isReading = false
  /** Of those who wait for the next reading. */
  let hastened: (() => void)[] = []

  async function read() {
    isReading = true
    const waiting = hastened
    hastened = []
    const startedAtMs = nowMs()
    try {
      await catchUp(database, view)
      readAtMs = startedAtMs
      onSuccess()
    } catch (error) {
      if (!isStopped) onFailure(error as Error)
    }
    isReading = false
    for (const resolve of waiting) resolve()
    schedule(hastened.length > 0 ? 0 : INTERVAL_MS)
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
    hasten() {
      if (isStopped) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      hastened.push(resolve)
      if (!isReading) schedule(0)
      return promise
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
      for (const resolve of hastened) resolve()
    }
  }
}

/** Brings into the view everything that was committed before the call. */
async function catchUp(database: Database, view: ChangeView): Promise<void> {
  view.beginReading()
  await numberChanges(database)
  for (;;) {
    if (view.version === null) view.restart(await readHead(database))
    const step = await readChanges(database, view.version ?? 0)
    if (step === undefined) {
      view.restart(await readHead(database))
      continue
    }
    view.apply(step.rows)
    if (step.isComplete) return view.endReading()
  }
}
