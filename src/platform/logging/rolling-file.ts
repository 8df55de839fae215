import { once } from 'node:events'
import roll from 'pino-roll'
import type { LogTarget } from './line-buffer.ts'

const RETRY_MS = 1000

interface RollingFileOptions {
  /** When a file is full, such as `10m`. */
  maxSize: string
  /** How many files there may be, the one in use included; at least 2. */
  maxFiles: number
}

/**
 * Opens a file that is succeeded by another one each day, and whenever it is full: `logs/aisle.log` becomes
 * `logs/aisle.2026-03-01.1.log` and so on, and the oldest are removed. The folder is made when it is not there.
 * @throws when it cannot be written
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
    // Not 0: then it takes itself for flushed while it writes, and changes the file in the midst of a line.
    minLength: 1
  })
  await once(stream, 'ready')

  let onWritten = () => {}
  let onFailed = (_error: Error) => {}
  stream.on('drain', () => onWritten())
  stream.on('error', (error: Error) => {
    onFailed(error)
    // It keeps what it could not write.
    setTimeout(() => stream.flush(), RETRY_MS).unref()
  })

  return {
    name: path,
    get fd() {
      return stream.fd
    },
    write(text, written, failed) {
      // It also drains when it has changed the file.
      onWritten = () => {
        onWritten = () => {}
        written()
      }
      onFailed = failed
      stream.write(text)
    }
  }
}
