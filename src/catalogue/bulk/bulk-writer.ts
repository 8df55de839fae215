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
import { type AppError, overloaded, shuttingDown, toProblem } from '../../platform/errors/app-error.ts'
import { toAppError } from '../../platform/errors/framework-errors.ts'
import { editBySku, type SkuOutcome, type Sources } from '../products/upsert-products.ts'
import { countResults, emptySummary, encodeLines, endLines, toResults } from './bulk-results.ts'
import { readBatches, readChunks } from './read-batches.ts'
import type { BulkLine } from './read-line.ts'
import { retryOutage } from './retry-outage.ts'
import { createSpool, type Spool } from './spool.ts'

const RETRY_AFTER_SECONDS = 5
/** How long a batch is retried while the database is down, from its first failure. */
const RETRY_FOR_MS = 3000
/** How many bytes of unread results one bulk keeps in memory. */
const SPOOL_MEMORY_BYTES = 2 ** 18

/** A request to write products in bulk. */
export interface BulkRequest {
  id: string
  url: string
  /** The id of the API key of the client. */
  client: string | null
  body: Readable
  /** Ends the bulk between two batches, with its reason as the error. */
  signal: AbortSignal
  /**
   * Called with the ids, in hexadecimal digits, of the products that a batch has changed. The results of the batch are sent
   * after it.
   */
  onCommitted(productIds: string[]): Promise<void>
}

/** Writes products by their `sku` while a request body arrives. */
export interface BulkWriter {
  /** The number of bulks that run or have unread results. */
  readonly running: number
  /**
   * Writes the products of an NDJSON body, batch by batch, and responds with one NDJSON line for each line of the body.
   * Writing continues when the client does not read the response, and ends when the response is destroyed.
   * @returns the response, as soon as it has its first result; an error after that is reported in the last lines
   * @throws {AppError} `overloaded`, `shutting-down`, or an error before the first result
   */
  start(request: BulkRequest): Promise<Readable>
  /** Ends all bulks between two batches, and refuses new ones. */
  close(): void
}

interface WrittenBatch {
  lines: readonly BulkLine[]
  /** One outcome for each line that is not refused. */
  outcomes: readonly SkuOutcome[]
  /** How often the transaction was run. */
  attempts: number
}

interface BulkWriterOptions extends Sources {
  /** A database with a connection for each of `MAX_BULKS`. */
  database: Database
  /** The folder for unread results. */
  folder: string
  onResults(results: readonly BulkResult[]): void
  /** Called with an error that the client gets as `internal-error` after its first result. */
  onUnexpected(error: AppError, requestId: string): void
  idleMs?: number
}

/** Creates the writer of bulks of one instance. */
export function createBulkWriter(options: BulkWriterOptions): BulkWriter {
  const { database, folder, onResults, onUnexpected, idleMs = BULK_IDLE_TIMEOUT_MS, ...sources } = options
  /** The clients of the bulks that run. */
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
    const outcomes = await retryOutage(transact, { forMs: RETRY_FOR_MS, signal, nowMs: () => performance.now() })
    return { lines, outcomes, attempts }
  }

  /** Reads, writes and responds until the end. `begin` is called after the first result. */
  async function run(request: BulkRequest, signal: AbortSignal, spool: Spool, begin: () => void): Promise<void> {
    const { id, url, body, onCommitted } = request
    const summary = emptySummary()
    const send = async (lines: Parameters<typeof encodeLines>[0]) => {
      await spool.write(encodeLines(lines))
      begin()
    }
    const answer = async ({ lines, outcomes, attempts }: WrittenBatch) => {
      // A failed attempt may have been committed: then its products are unchanged for the next attempt.
      const changedIds = outcomes.flatMap(attempts > 1 ? idOf : changedId)
      if (changedIds.length > 0 || attempts > 1) await onCommitted(changedIds)
      const results = toResults(lines, outcomes)
      countResults(summary, results)
      onResults(results)
      await send(results)
    }
    /** The response to a batch, which is sent while the next batch is written. */
    let answering = Promise.resolve()
    try {
      for await (const lines of readBatches(readChunks(body, { idleMs, signal }))) {
        signal.throwIfAborted()
        const written = await write(lines, signal)
        await answering
        answering = answer(written)
        answering.catch(() => {})
        // A body of refused lines only would block the event loop.
        await letOthersRun()
      }
      await answering
      await send(endLines(summary))
    } catch (cause) {
      // The results of committed batches go first. Where even that fails, the client can't be reached.
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
      if (isClosed) throw stopping()
      const ofThisClient = [...running.values()].filter((client) => client === request.client)
      if (running.size >= MAX_BULKS || ofThisClient.length >= MAX_BULKS_PER_CLIENT) throw tooMany()
      const ending = new AbortController()
      const signal = AbortSignal.any([request.signal, ending.signal])
      const spool = createSpool({ folder, memoryBytes: SPOOL_MEMORY_BYTES, diskBytes: BULK_UNREAD_RESULTS_MAX_BYTES })
      running.set(ending, request.client)
      const isRead = new Promise<void>((resolve) => spool.output.once('close', resolve))
      const begun = new Promise<void>((begin, fail) => {
        run(request, signal, spool, begin)
          .then(spool.end, (error) => {
            // The client must see that its response is incomplete.
            spool.output.destroy(error)
            fail(error)
          })
          .then(() => isRead)
          .finally(() => running.delete(ending))
      })
      spool.output.once('error', () => {})
      await begun
      return spool.output
    },

    close() {
      isClosed = true
      for (const ending of running.keys()) ending.abort(stopping())
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
  const detail = `An instance runs ${MAX_BULKS} bulks at a time, and ${MAX_BULKS_PER_CLIENT} of one client.`
  return overloaded(detail, RETRY_AFTER_SECONDS)
}

function stopping(): AppError {
  const detail = 'The service is shutting down. Send the lines without a result to another instance, or later.'
  return shuttingDown(detail, RETRY_AFTER_SECONDS)
}
