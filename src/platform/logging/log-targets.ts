import { once } from 'node:events'
import { write } from 'node:fs'
import roll from 'pino-roll'
import { createLineBuffer, isFullPipe, type LogTarget } from './line-buffer.ts'

const STDOUT_FD = 1
const MIN_PIPE_RETRY_MS = 1
const MAX_PIPE_RETRY_MS = 100
const FILE_RETRY_MS = 1000

/** Standard output, be it a pipe or a file. The whole process has one buffer for it, so that lines keep their order. */
export const standardOutput = createLineBuffer({
  name: 'standard output',
  fd: STDOUT_FD,
  write(text, onWritten, onFailed, onProgress) {
    let rest = Buffer.from(text)
    let retryMs = MIN_PIPE_RETRY_MS
    const attempt = () =>
      write(STDOUT_FD, rest, (error, written) => {
        if (error) {
          if (!isFullPipe(error)) onFailed(error)
          setTimeout(attempt, retryMs).unref()
          retryMs = Math.min(retryMs * 2, MAX_PIPE_RETRY_MS)
          return
        }
        rest = rest.subarray(written)
        retryMs = MIN_PIPE_RETRY_MS
        if (rest.length === 0) return onWritten()
        onProgress()
        attempt()
      })
    attempt()
  }
})

interface RollingFileOptions {
  /** Size at which the next file is started, such as `10m`. */
  maxSize: string
  /** Number of files to keep, the current one included; at least 2. */
  maxFiles: number
}

/**
 * Opens a log file that is replaced by the next one each day, and whenever it is full: `logs/aisle.log` becomes
 * `logs/aisle.2026-03-01.1.log` and so on. The oldest files are removed, and a missing folder is created.
 * @throws when the file cannot be written
 */
export async function openRollingFile(path: string, { maxSize, maxFiles }: RollingFileOptions): Promise<LogTarget> {
  const stream = await roll({
    file: path,
    frequency: 'daily',
    dateFormat: 'yyyy-MM-dd',
    size: maxSize,
    limit: { count: maxFiles - 1, removeOtherLogFiles: true },
    mkdir: true,
    sync: false,
    // With 0 the stream takes itself for flushed while it writes, and changes the file in the middle of a line.
    minLength: 1
  })
  await once(stream, 'ready')

  let onWritten = () => {}
  let onFailed = (_error: Error) => {}
  stream.on('drain', () => onWritten())
  stream.on('error', (error: Error) => {
    onFailed(error)
    // The stream keeps what it could not write.
    setTimeout(() => stream.flush(), FILE_RETRY_MS).unref()
  })

  return {
    name: path,
    get fd() {
      return stream.fd
    },
    write(text, written, failed) {
      // The stream also drains after a change of the file.
      onWritten = () => {
        onWritten = () => {}
        written()
      }
      onFailed = failed
      stream.write(text)
    }
  }
}
