import type { Database } from '../../../platform/database/database.ts'
import { retryContention } from '../../../platform/database/retry-contention.ts'

/** A delivery that was refused. Nothing of its body. */
export interface Rejection {
  requestId: string
  address: string
  userAgent: string | undefined
  /** As it was announced; undefined where it was not. */
  contentLength: string | undefined
  /** What was wrong with it. */
  detail: string
}

interface Tally {
  count: number
  /** The last few. */
  samples: object[]
}

/** What is noted is written this much later, with whatever has come meanwhile. */
const WRITE_DELAY_MS = 5000
const MAX_SAMPLES = 5
const MAX_TEXT_LENGTH = 200

const WRITE = `INSERT INTO webhook_rejections (hour, reason, rejections, samples)
  VALUES (DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%d %H:00:00'), ?, ?, ?)
  ON DUPLICATE KEY UPDATE rejections = rejections + ?, samples = ?`

interface RejectionOptions {
  database: Pick<Database, 'execute'>
  writeDelayMs?: number
  /** Unix time. */
  nowMs: () => number
  onFailure: (error: Error) => void
  onSuccess: () => void
}

export interface Rejections {
  /** @param reason one of few: each has a row an hour */
  note(reason: string, rejection: Rejection): void
  /** Writes what is still to be written, if it can be. */
  close(): Promise<void>
}

/**
 * Counts refused deliveries, and keeps the last few of each reason. However many come, they cost the database a row an hour
 * and reason, and a statement each few seconds. While it does not answer they are counted on.
 */
export function createRejections(options: RejectionOptions): Rejections {
  const { database, writeDelayMs = WRITE_DELAY_MS, nowMs, onFailure, onSuccess } = options
  const tallies = new Map<string, Tally>()
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()
  let isClosed = false

  function note(reason: string, rejection: Rejection): void {
    const tally = tallies.get(reason) ?? { count: 0, samples: [] }
    tallies.set(reason, tally)
    tally.count++
    tally.samples.push(toSample(rejection, nowMs()))
    if (tally.samples.length > MAX_SAMPLES) tally.samples.shift()
    schedule()
  }

  function schedule(): void {
    if (timer !== undefined || isClosed) return
    timer = setTimeout(() => {
      writing = write()
    }, writeDelayMs)
  }

  async function write(): Promise<void> {
    try {
      for (const [reason, tally] of tallies) await writeTally(reason, tally)
      onSuccess()
    } catch (error) {
      onFailure(error as Error)
    }
    timer = undefined
    if (tallies.size > 0) schedule()
  }

  /** What comes while it is written is written the next time. */
  async function writeTally(reason: string, tally: Tally): Promise<void> {
    const { count } = tally
    const samples = JSON.stringify(tally.samples)
    await retryContention(() => database.execute(WRITE, [reason, count, samples, count, samples]))
    tally.count -= count
    if (tally.count === 0) tallies.delete(reason)
  }

  return {
    note,
    async close() {
      isClosed = true
      clearTimeout(timer)
      await writing
      if (tallies.size > 0) await write()
    }
  }
}

function toSample({ requestId, address, userAgent, contentLength, detail }: Rejection, atMs: number): object {
  const at = new Date(atMs).toISOString()
  return { at, requestId, address, userAgent: cut(userAgent), contentLength, detail: cut(detail) }
}

function cut(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_TEXT_LENGTH)
}
