import { PassThrough, type Readable } from 'node:stream'
import { AppError } from '../../platform/errors/app-error.ts'

interface ReadOptions {
  /** The longest time in which nothing comes. */
  idleMs: number
  /** Ends the reading, and says why. */
  signal: AbortSignal
}

/**
 * Reads a body as it comes, and no faster than it is asked for. When the reading ends before the body does, the rest of
 * it is left, and the stream as it was.
 * @throws {AppError} `request-timeout`; `malformed-request` for a body that breaks off; the reason of the signal
 */
export async function* readChunks(body: Readable, { idleMs, signal }: ReadOptions): AsyncGenerator<Buffer> {
  // To be ended without ending the body, and with it the connection.
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
  return new AppError('request-timeout', `Nothing has come for ${idleMs / 1000} seconds.`)
}

function cutOff(cause: unknown): AppError {
  return new AppError('malformed-request', 'The body breaks off before its end.', { cause })
}
