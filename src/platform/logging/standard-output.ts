import { write } from 'node:fs'
import { createLineBuffer, isFullPipe } from './line-buffer.ts'

const FD = 1
const MIN_RETRY_MS = 1
const MAX_RETRY_MS = 100

/** Standard output, a pipe or a file: one buffer for the whole process, so that lines keep their order. */
export const standardOutput = createLineBuffer({
  name: 'standard output',
  fd: FD,
  write(text, onWritten, onFailed) {
    let rest = Buffer.from(text)
    let retryMs = MIN_RETRY_MS
    const attempt = () =>
      write(FD, rest, (error, written) => {
        if (error) {
          if (!isFullPipe(error)) onFailed(error)
          setTimeout(attempt, retryMs).unref()
          retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)
          return
        }
        rest = rest.subarray(written)
        retryMs = MIN_RETRY_MS
        if (rest.length > 0) attempt()
        else onWritten()
      })
    attempt()
  }
})
