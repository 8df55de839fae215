import type { Readable } from 'node:stream'
import type { Database } from '../../platform/database/database.ts'
import type { Snapshot } from '../../platform/database/snapshot.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { numberChanges } from '../change-log/number-changes.ts'
import type { Filters } from '../listing/query/filters.ts'
import { exportLines } from './export-lines.ts'
import { createLineStream } from './line-stream.ts'

/** At a time. Each holds a snapshot, and takes what one core and the disk of the server have. */
export const MAX_RUNNING = 2
const RETRY_AFTER_SECONDS = 10
/** A snapshot must not stay open for those who have gone to sleep. */
const STALL_TIMEOUT_MS = 30_000
const TIMEOUT_MS = 3_600_000

export interface ProductExports {
  /**
   * Begins an export: of all that was committed before the call, as it is at one moment.
   * @returns NDJSON in UTF-8. When it can't go on, it is destroyed with an error, before its last line
   * @throws {AppError} `overloaded` when too many run; `shutting-down`; when the database does not answer
   */
  start(filters: Filters): Promise<Readable>
  readonly running: number
  /** Cuts those that run, and begins no more. */
  close(): void
}

interface ProductExportsOptions {
  database: Database
  openSnapshot: () => Promise<Snapshot>
  stallTimeoutMs?: number
  timeoutMs?: number
  onRows: (count: number) => void
}

export function createProductExports(options: ProductExportsOptions): ProductExports {
  const { database, openSnapshot, stallTimeoutMs = STALL_TIMEOUT_MS, timeoutMs = TIMEOUT_MS, onRows } = options
  const streams = new Set<Readable>()
  let running = 0
  let isClosed = false

  async function open(filters: Filters): Promise<Readable> {
    // So that little of what the export has comes again with the changes.
    await numberChanges(database)
    const snapshot = await openSnapshot()
    const lines = exportLines(snapshot, filters, onRows)
    try {
      // Whatever is wrong at the beginning can still be answered.
      const first = await lines.next()
      if (isClosed) throw shuttingDown()
      const stream = createLineStream(startWith(first, lines), {
        stallTimeoutMs,
        timeoutMs,
        onClose() {
          running--
          streams.delete(stream)
          snapshot.close()
        }
      })
      streams.add(stream)
      return stream
    } catch (error) {
      snapshot.close()
      throw error
    }
  }

  return {
    async start(filters) {
      if (isClosed) throw shuttingDown()
      if (running >= MAX_RUNNING) throw tooManyRunning()
      running++
      try {
        return await open(filters)
      } catch (error) {
        running--
        throw error
      }
    },
    get running() {
      return running
    },
    close() {
      isClosed = true
      for (const stream of streams) stream.destroy(shuttingDown())
    }
  }
}

function startWith<T>(first: IteratorResult<T, void>, rest: AsyncIterator<T, void>): AsyncIterator<T, void> {
  let isFirst = true
  return {
    async next() {
      if (!isFirst) return await rest.next()
      isFirst = false
      return first
    }
  }
}

function tooManyRunning(): AppError {
  return new AppError('overloaded', `As many as ${MAX_RUNNING} exports are running here.`, {
    retryAfterSeconds: RETRY_AFTER_SECONDS
  })
}

function shuttingDown(): AppError {
  return new AppError('shutting-down', 'The service is stopping.', { retryAfterSeconds: 1 })
}
