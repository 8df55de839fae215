import type { Database } from '../../../platform/database/database.ts'
import { retryContention } from '../../../platform/database/transaction.ts'
import { type StartTimeout, startTimeout as systemTimeout } from '../../../platform/lib/time-limit.ts'

/** What is kept of a delivery that was refused: nothing of its body. */
export interface Rejection {
  requestId: string
  address: string
  userAgent: string | undefined
  /** The Content-Length field, if there was one. */
  contentLength: string | undefined
  /** The detail of the problem that the sender got. */
  detail: string
}

/** The number of refused deliveries in each hour, by reason, with a few samples. */
export interface RejectionTallies {
  /**
   * Counts a refused delivery. It is written within seconds.
   * @param reason one of a small set, as each reason takes a row an hour
   */
  note(reason: string, rejection: Rejection): void
  /** Writes the counts that are still in memory, if the database answers. */
  close(): Promise<void>
}

interface TalliesOptions {
  database: Pick<Database, 'execute'>
  /** Unix time. */
  nowMs: () => number
  onFailure: (error: Error) => void
  onSuccess: () => void
  /** Starts the delay before a write. */
  startTimeout?: StartTimeout
}

const WRITE_DELAY_MS = 5000
const MAX_SAMPLES = 5
const MAX_TEXT_LENGTH = 200

const WRITE = `INSERT INTO webhook_rejections (hour, reason, rejections, samples)
  VALUES (DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%d %H:00:00'), ?, ?, ?)
  ON DUPLICATE KEY UPDATE rejections = rejections + ?, samples = ?`

/**
 * Opens the tallies. A flood of refused deliveries costs the database a row for each hour and reason, and a statement every
 * few seconds. While the database does not answer, counting goes on in memory.
 */
export function openRejectionTallies(options: TalliesOptions): RejectionTallies {
  const { database, nowMs, onFailure, onSuccess, startTimeout = systemTimeout } = options
  const tallies = new Map<string, { count: number; samples: object[] }>()
  let cancelWrite: (() => void) | undefined
  let writing = Promise.resolve()
  let isClosed = false

  function schedule(): void {
    if (isClosed) return
    cancelWrite ??= startTimeout(() => {
      writing = write()
    }, WRITE_DELAY_MS)
  }

  async function write(): Promise<void> {
    await writeAll().then(onSuccess, onFailure)
    cancelWrite = undefined
    if (tallies.size > 0) schedule()
  }

  async function writeAll(): Promise<void> {
    for (const [reason, tally] of tallies) {
      const { count } = tally
      const samples = JSON.stringify(tally.samples)
      await retryContention(() => database.execute(WRITE, [reason, count, samples, count, samples]))
      // What was noted during the statement waits for the next one.
      tally.count -= count
      if (tally.count === 0) tallies.delete(reason)
    }
  }

  return {
    note(reason, { requestId, address, userAgent, contentLength, detail }) {
      const tally = tallies.get(reason) ?? { count: 0, samples: [] }
      tallies.set(reason, tally)
      tally.count++
      const at = new Date(nowMs()).toISOString()
      tally.samples.push({ at, requestId, address, userAgent: cut(userAgent), contentLength, detail: cut(detail) })
      if (tally.samples.length > MAX_SAMPLES) tally.samples.shift()
      schedule()
    },
    async close() {
      isClosed = true
      cancelWrite?.()
      await writing
      if (tallies.size > 0) await write()
    }
  }
}

function cut(text: string | undefined): string | undefined {
  return text?.slice(0, MAX_TEXT_LENGTH)
}
