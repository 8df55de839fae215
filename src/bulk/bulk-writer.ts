import type { Readable } from 'node:stream'
import { setImmediate as letOthersRun } from 'node:timers/promises'
import type { BulkResult } from '../../schemas/bulk.ts'
import type { Database } from '../database/database.ts'
import { AppError, toProblem } from '../errors.ts'
import { toAppError } from '../framework-errors.ts'
import { editBySku, type SkuOutcome, type Sources } from '../products/upsert-products.ts'
import { countResults, emptySummary, encodeLines, endLines, toResults } from './bulk-results.ts'
import { readBatches } from './read-batches.ts'
import { readChunks } from './read-chunks.ts'
import type { BulkLine } from './read-line.ts'
import { retryPassing } from './retry-passing.ts'
import { createSpool, type Spool } from './spool.ts'

/** On one instance. Each takes a connection, some megabytes, and at times all of a core. */
export const MAX_BULKS = 4
const RETRY_AFTER_SECONDS = 5
/** The longest time in which a client sends nothing although it could. */
const IDLE_MS = 30_000
/** For how long a batch that failed is tried again. */
const RETRY_FOR_MS = 3000
const SPOOL_MEMORY_BYTES = 2 ** 18
/** Of results that a client has not read: those of some ten million lines. */
const SPOOL_DISK_BYTES = 2 ** 30

/** The request that a bulk is. */
export interface BulkRequest {
  id: string
  url: string
  body: Readable
  /** Ends it between two batches; its reason says why. */
  signal: AbortSignal
  /** Told the ids, in hexadecimal digits, of products that were changed. Nobody hears of the change before it is done. */
  onCommitted(productIds: string[]): Promise<void>
}

/** Writes many products by their `sku`, as they come. */
export interface BulkWriter {
  /** How many are under way. */
  readonly running: number
  /**
   * Writes the products of a body in NDJSON, batch by batch, and answers a line for each of its lines, in NDJSON. Writes
   * on when nobody reads the answer, and ends when it is destroyed.
   * @returns the answer, once it has begun; from then on what goes wrong is told in its last lines
   * @throws {AppError} `overloaded`, `shutting-down`, or what went wrong before there was a result
   */
  start(request: BulkRequest): Promise<Readable>
  /** Ends all of them between two batches, and refuses others from now on. */
  close(): void
}

interface BulkWriterOptions extends Sources {
  /** With a connection for each of `MAX_BULKS`. */
  database: Database
  /** Where results are kept that clients do not read yet. */
  folder: string
  onResults(results: readonly BulkResult[]): void
  /** Told what the client is told as an `internal-error` after its first result. */
  onUnexpected(error: AppError, requestId: string): void
  idleMs?: number
}

export function bulkWriter(options: BulkWriterOptions): BulkWriter {
  const { database, folder, onResults, onUnexpected, idleMs = IDLE_MS, ...sources } = options
  const running = new Set<AbortController>()
  let isClosed = false

  /** An outcome for each line that is not refused. */
  async function write(lines: readonly BulkLine[], signal: AbortSignal): Promise<SkuOutcome[]> {
    const edits = lines.flatMap((line) => ('edit' in line ? [line.edit] : []))
    if (edits.length === 0) return []
    const transact = () => editBySku((work) => database.transaction(work), edits, sources)
    return await retryPassing(transact, { forMs: RETRY_FOR_MS, signal, nowMs: () => performance.now() })
  }

  /** Reads, writes and answers until the end. `begin` is called with the first result. */
  async function run(request: BulkRequest, signal: AbortSignal, spool: Spool, begin: () => void): Promise<void> {
    const { id, url, body, onCommitted } = request
    const summary = emptySummary()
    const send = async (lines: Parameters<typeof encodeLines>[0]) => {
      await spool.write(encodeLines(lines))
      begin()
    }
    const answer = async (lines: readonly BulkLine[], outcomes: readonly SkuOutcome[]) => {
      const changedIds = outcomes.flatMap(changedId)
      if (changedIds.length > 0) await onCommitted(changedIds)
      const results = toResults(lines, outcomes)
      countResults(summary, results)
      onResults(results)
      await send(results)
    }
    /** The answer to a batch, while the next one is written. */
    let answering = Promise.resolve()
    try {
      for await (const lines of readBatches(readChunks(body, { idleMs, signal }))) {
        signal.throwIfAborted()
        const outcomes = await write(lines, signal)
        await answering
        answering = answer(lines, outcomes)
        answering.catch(() => {})
        // A body of nothing but refused lines would keep everybody waiting.
        await letOthersRun()
      }
      await answering
      await send(endLines(summary))
    } catch (cause) {
      // What was committed is told first; where even that fails, nobody can be told any longer.
      await answering.catch(() => {})
      const error = toAppError(cause)
      if (summary.lines === 0) throw error
      if (error.code === 'internal-error') onUnexpected(error, id)
      await send(endLines(summary, toProblem(error, { url, id })))
    }
  }

  return {
    get running() {
      return running.size
    },

    async start(request) {
      if (isClosed) throw shuttingDown()
      if (running.size >= MAX_BULKS) throw tooMany()
      const stopping = new AbortController()
      const signal = AbortSignal.any([request.signal, stopping.signal])
      const spool = createSpool({ folder, memoryBytes: SPOOL_MEMORY_BYTES, diskBytes: SPOOL_DISK_BYTES })
      running.add(stopping)
      const begun = new Promise<void>((begin, fail) => {
        run(request, signal, spool, begin)
          .then(spool.end, (error) => {
            // The client is to see that its answer has no end.
            spool.output.destroy(error)
            fail(error)
          })
          .finally(() => running.delete(stopping))
      })
      spool.output.once('error', () => {})
      await begun
      return spool.output
    },

    close() {
      isClosed = true
      for (const stopping of running) stopping.abort(shuttingDown())
    }
  }
}

function changedId(outcome: SkuOutcome): string[] {
  return 'id' in outcome && outcome.status !== 'unchanged' ? [outcome.id.toString('hex')] : []
}

function tooMany(): AppError {
  return new AppError('overloaded', `More than ${MAX_BULKS} bulks at a time are too many here.`, {
    retryAfterSeconds: RETRY_AFTER_SECONDS
  })
}

function shuttingDown(): AppError {
  return new AppError('shutting-down', 'The service stops. Send what has no result to another instance, or later.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS
  })
}
