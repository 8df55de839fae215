import { writeSync } from 'node:fs'

/** Lines that come this soon after others wait for more, and are written together. */
const WINDOW_MS = 100
/** So much is written without waiting. */
const CHUNK_LENGTH = 65_536
/** So much is kept while nothing can be written; what comes then is lost. */
const MAX_LENGTH = 8_388_608
/** A reader that does not read must not keep the process from ending. */
const FLUSH_TIMEOUT_MS = 1000
const FULL_PIPE_RETRY_MS = 20
const FULL_PIPE_ATTEMPTS = FLUSH_TIMEOUT_MS / FULL_PIPE_RETRY_MS

/** Where lines go in the end. */
export interface LogTarget {
  /** For messages to the operator. */
  readonly name: string
  /** The descriptor that is written to now. */
  readonly fd: number
  /** Writes the text and calls `onWritten` once. Until then it tries again and again, and tells each failure. */
  write(text: string, onWritten: () => void, onFailed: (error: Error) => void): void
}

export interface LineBuffer {
  /** Takes whole lines, each with its line feed. */
  append(lines: string): void
  /** Takes whole lines, and writes them and all before them without waiting for more. */
  appendUrgent(lines: string): void
  /** Resolves once everything is written, or after a second. */
  flush(): Promise<void>
}

/** What was given to a target before the end is written by then: Node finishes file operations that are under way. */
const atExit = new Set<() => void>()
process.once('exit', () => {
  for (const writeRest of atExit) writeRest()
})

/**
 * Collects lines for a target, so that a line costs no write of its own, and writes what is left when the process ends.
 * It never blocks before that and never throws: while the target takes nothing, lines are lost beyond a bound, and
 * standard error is told so, once.
 */
export function createLineBuffer(target: LogTarget): LineBuffer {
  let lines = ''
  let isWriting = false
  let isUrgent = false
  let hasComplained = false
  let window: NodeJS.Timeout | undefined
  let onEmpty: (() => void)[] = []

  function append(text: string): void {
    if (lines.length >= MAX_LENGTH) {
      complain('nothing is taken')
      return
    }
    // Makes V8 put the parts of a line together now, while they are in the processor's cache: later it costs a hot
    // request a fifth of its time.
    text.charCodeAt(0)
    lines += text
    if (window === undefined || lines.length >= CHUNK_LENGTH) writeOut()
  }

  function appendUrgent(text: string): void {
    isUrgent = true
    append(text)
    writeOut()
  }

  function writeOut(): void {
    if (isWriting || lines === '') return
    const text = lines
    lines = ''
    isWriting = true
    isUrgent = false
    window ??= setTimeout(endWindow, WINDOW_MS).unref()
    target.write(text, onWritten, onFailed)
  }

  function endWindow(): void {
    window = undefined
    writeOut()
  }

  function onWritten(): void {
    isWriting = false
    hasComplained = false
    if (isUrgent || window === undefined || lines.length >= CHUNK_LENGTH) writeOut()
    if (isWriting || lines !== '') return
    for (const done of onEmpty) done()
    onEmpty = []
  }

  function onFailed(error: Error): void {
    complain(error.message)
  }

  function complain(reason: string): void {
    if (!hasComplained) console.error(`Log lines cannot be written to ${target.name}, and are lost: ${reason}`)
    hasComplained = true
  }

  async function flush(): Promise<void> {
    isUrgent = true
    writeOut()
    if (!isWriting) return
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => {
        complain('nothing is taken')
        resolve()
      }, FLUSH_TIMEOUT_MS)
      onEmpty.push(() => {
        clearTimeout(limit)
        resolve()
      })
    })
  }

  function writeRest(): void {
    try {
      writeFullySync(target.fd, lines)
    } catch (error) {
      complain(String(error))
    }
  }

  atExit.add(writeRest)
  return { append, appendUrgent, flush }
}

function writeFullySync(fd: number, text: string): void {
  let rest = Buffer.from(text)
  for (let attempt = 0; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if (!isFullPipe(error) || ++attempt > FULL_PIPE_ATTEMPTS) throw error
      sleep(FULL_PIPE_RETRY_MS)
    }
  }
}

/** The reader of a pipe is behind. */
export function isFullPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
