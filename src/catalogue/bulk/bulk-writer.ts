import type { Readable } from 'node:stream'
import { setImmediate as letOthersRun } from 'node:timers/promises'
import type { BulkResult } from '../../../schemas/bulk.ts'
import {
  BULK_IDLE_TIMEOUT_MS,
  BULK_UNREAD_RESULTS_MAX_BYTES,
  MAX_BULKS,
  MAX_BULKS_PER_CLIENT
} from '../../config/limits.ts'
import type { Database } from '../../platform/database/database.ts'
import { AppError, toProblem } from '../../platform/errors/app-error.ts'
import { toAppError } from '../../platform/errors/framework-errors.ts'
import { editBySku, type SkuOutcome, type Sources } from '../products/upsert-products.ts'
import { countResults, emptySummary, encodeLines, endLines, toResults } from './bulk-results.ts'
import { readBatches } from './read-batches.ts'
import { readChunks } from './read-chunks.ts'
import type { BulkLine } from './read-line.ts'
import { retryPassing } from './retry-passing.ts'
import { createSpool, type Spool } from './spool.ts'

const RETRY_AFTER_SECONDS = 5
/** For how long a batch that failed is tried again. */
const RETRY_FOR_MS = 3000
const SPOOL_MEMORY_BYTES = 2 ** 18

/** The request that a bulk is. */
export interface BulkRequest {
  id: string
  url: string
  /** Who sends it: the id of an API key. */
  client: string | null
  body: Readable
  /** Ends it between two batches; its reason says why. */
  signal: AbortSignal
  /** Told the ids, in hexadecimal digits, of products that were changed. Nobody hears of the change before it is done. */
  onCommitted(productIds: string[]): Promise<void>
}

/** Writes many products by their `sku`, as they come. */
export interface BulkWriter {
  /** How many are under way, or have results that are yet to be read. */
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

interface WrittenBatch {
  lines: readonly BulkLine[]
  /** One for each line that is not refused. */
  outcomes: readonly SkuOutcome[]
  /** How often its transaction was run. */
  attempts: number
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

export function createBulkWriter(options: BulkWriterOptions): BulkWriter {
  const { database, folder, onResults, onUnexpected, idleMs = BULK_IDLE_TIMEOUT_MS, ...sources } = options
  /** With who sends each of them. */
  const running = new Map<AbortController, string | null>()
  let isClosed = false

  async function write(lines: readonly BulkLine[], signal: AbortSignal): Promise<WrittenBatch> {
    const edits = lines.flatMap((line) => ('edit' in line ? [line.edit] : []))
    if (edits.length === 0) return { lines, outcomes: [], attempts: 0 }
    let attempts = 0
    const transact = () => {
      attempts++
      return editBySku((work) => database.transaction(work), edits, sources)
    }
    const outcomes = await retryPassing(transact, { forMs: RETRY_FOR_MS, signal, nowMs: () => performance.now() })
    return { lines, outcomes, attempts }
  }

  /** Reads, writes and answers until the end. `begin` is called with the first result. */
  async function run(request: BulkRequest, signal: AbortSignal, spool: Spool, begin: () => void): Promise<void> {
    const { id, url, body, onCommitted } = request
    const summary = emptySummary()
    const send = async (lines: Parameters<typeof encodeLines>[0]) => {
      await spool.write(encodeLines(lines))
      begin()
    }
    const answer = async ({ lines, outcomes, attempts }: WrittenBatch) => {
      // What an attempt did of which nobody heard is nothing new to the next one.
      const changedIds = outcomes.flatMap(attempts > 1 ? idOf : changedId)
      if (changedIds.length > 0 || attempts > 1) await onCommitted(changedIds)
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
        const written = await write(lines, signal)
        await answering
        answering = answer(written)
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
      const ofThisClient = [...running.values()].filter((client) => client === request.client)
      if (running.size >= MAX_BULKS || ofThisClient.length >= MAX_BULKS_PER_CLIENT) throw tooMany()
      const stopping = new AbortController()
      const signal = AbortSignal.any([request.signal, stopping.signal])
      const spool = createSpool({ folder, memoryBytes: SPOOL_MEMORY_BYTES, diskBytes: BULK_UNREAD_RESULTS_MAX_BYTES })
      running.set(stopping, request.client)
      const isRead = new Promise<void>((resolve) => spool.output.once('close', resolve))
      const begun = new Promise<void>((begin, fail) => {
        run(request, signal, spool, begin)
          .then(spool.end, (error) => {
            // The client is to see that its answer has no end.
            spool.output.destroy(error)
            fail(error)
          })
          .then(() => isRead)
          .finally(() => running.delete(stopping))
      })
      spool.output.once('error', () => {})
      await begun
      return spool.output
    },

    close() {
      isClosed = true
      for (const stopping of running.keys()) stopping.abort(shuttingDown())
    }
  }
}

function changedId(outcome: SkuOutcome): string[] {
  return outcome.status === 'unchanged' ? [] : idOf(outcome)
}

function idOf(outcome: SkuOutcome): string[] {
  return 'id' in outcome ? [outcome.id.toString('hex')] : []
}

function tooMany(): AppError {
  const detail = `More than ${MAX_BULKS} bulks at a time, or ${MAX_BULKS_PER_CLIENT} of one client, are too many here.`
  return new AppError('overloaded', detail, {
    retryAfterSeconds: RETRY_AFTER_SECONDS
  })
}

function shuttingDown(): AppError {
  return new AppError('shutting-down', 'The service stops. Send what has no result to another instance, or later.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS
  })
}
