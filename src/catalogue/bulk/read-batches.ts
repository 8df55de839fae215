import { PassThrough, type Readable } from 'node:stream'
import { PRODUCT_MAX_BYTES } from '../../config/limits.ts'
import { AppError } from '../../platform/errors/app-error.ts'
import { createLineSplitter, type Line } from '../../platform/lib/line-splitter.ts'
import { type BulkLine, readLine } from './read-line.ts'

/**
 * The most lines of a batch, which is a transaction.
 * @internal
 */
export const BATCH_LINES = 500
/** A batch also ends when its lines have this many bytes. */
const BATCH_BYTES = 2 ** 20

/** Reads the lines of a body batch by batch. No batch is empty, and no more than one batch of the body is in memory. */
export async function* readBatches(chunks: AsyncIterable<Buffer>): AsyncGenerator<BulkLine[]> {
  const splitter = createLineSplitter(PRODUCT_MAX_BYTES)
  let batch: BulkLine[] = []
  let bytesRead = 0

  function* collect(lines: Iterable<Line>): Generator<BulkLine[]> {
    for (const line of lines) {
      const read = readLine(line)
      if (read === undefined) continue
      batch.push(read)
      bytesRead += line.bytes?.length ?? 0
      if (batch.length < BATCH_LINES && bytesRead < BATCH_BYTES) continue
      yield batch
      batch = []
      bytesRead = 0
    }
  }

  for await (const chunk of chunks) yield* collect(splitter.push(chunk))
  yield* collect(splitter.end())
  if (batch.length > 0) yield batch
}

interface ReadOptions {
  /** The longest time without a byte. */
  idleMs: number
  /** Ends the reading with its reason as the error. */
  signal: AbortSignal
}

/**
 * Reads a body as it arrives, and no faster than the caller asks. When the reading ends before the body does, the stream
 * is left open with the rest of the body unread.
 * @throws {AppError} `request-timeout`; `malformed-request` for a body that is cut off; the reason of the signal
 */
export async function* readChunks(body: Readable, { idleMs, signal }: ReadOptions): AsyncGenerator<Buffer> {
  // A stream that can be destroyed without destroying the body, and with it the connection.
  const chunks = new PassThrough()
  const fail = (cause: Error) => chunks.destroy(cutOff(cause))
  const stop = () => chunks.destroy(signal.reason)
  const waitForBytes = () => setTimeout(() => chunks.destroy(tooSlow(idleMs)), idleMs)
  body.once('error', fail).pipe(chunks)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  let timer = waitForBytes()
  try {
    for await (const chunk of chunks) {
      clearTimeout(timer)
      yield chunk
      timer = waitForBytes()
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    body.off('error', fail).unpipe(chunks)
  }
}

function tooSlow(idleMs: number): AppError {
  return new AppError('request-timeout', `Nothing has arrived for ${idleMs / 1000} seconds.`)
}

function cutOff(cause: unknown): AppError {
  return new AppError('malformed-request', 'The body was cut off before its end.', { cause })
}
