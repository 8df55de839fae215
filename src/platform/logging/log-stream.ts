import { format, parse } from 'node:path'
import { pino, symbols } from 'pino'
import { type Config, ConfigError } from '../../config/config.ts'
import { createLineBuffer, type LineBuffer } from './line-buffer.ts'
import { openRollingFile, standardOutput } from './log-targets.ts'

const ERROR = 50

/** The destination of all log lines: those of pino, and the access log. */
export interface LogStream {
  /** Writes whole lines of one level: at once from level error on, otherwise in batches. */
  append(level: number, lines: string): void
  /** Resolves once everything is written, or after a second. */
  flushAll(): Promise<void>
  /** Writes a line of pino at once: there are few. */
  write(line: string): void
  /** The level of the next line; pino sets it before each `write`. */
  lastLevel: number
  readonly [symbols.needsMetadataGsym]: true
}

/**
 * Opens the log: with a path, rolling files for all lines and for errors; otherwise standard output, in colours on a
 * terminal.
 * @throws {ConfigError} when the files cannot be written
 */
export async function openLogStream(config: Config['log']): Promise<LogStream> {
  const output = await openOutput(config)
  const stream: LogStream = {
    append: (level, lines) => output.append(level, lines, level >= ERROR),
    flushAll: output.flush,
    write: (line) => output.append(stream.lastLevel, line, true),
    lastLevel: 0,
    [symbols.needsMetadataGsym]: true
  }
  return stream
}

interface Output {
  append(level: number, lines: string, isUrgent: boolean): void
  flush(): Promise<void>
}

async function openOutput({ filePath, ...limits }: Config['log']): Promise<Output> {
  if (filePath === undefined) return process.stdout.isTTY ? terminal() : plain(standardOutput)
  try {
    const all = await openRollingFile(filePath, limits)
    const errors = await openRollingFile(errorPath(filePath), limits)
    return withErrors(plain(createLineBuffer(all)), createLineBuffer(errors))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError([`LOG_FILE_PATH must be a path that can be written: ${reason}`])
  }
}

function plain({ append, appendUrgent, flush }: LineBuffer): Output {
  return {
    append: (_level, lines, isUrgent) => (isUrgent ? appendUrgent(lines) : append(lines)),
    flush
  }
}

function withErrors(all: Output, errors: LineBuffer): Output {
  return {
    append(level, lines, isUrgent) {
      all.append(level, lines, isUrgent)
      if (level >= ERROR) errors.appendUrgent(lines)
    },
    async flush() {
      await Promise.all([all.flush(), errors.flush()])
    }
  }
}

function terminal(): Output {
  const pretty = pino.transport({ target: 'pino-pretty', options: { ignore: 'pid,hostname' } })
  return {
    append: (_level, lines) => pretty.write(lines),
    flush: () => new Promise((resolve) => pretty.flush(() => resolve()))
  }
}

/** `logs/aisle.log` → `logs/aisle.error.log` */
function errorPath(path: string): string {
  const { dir, name, ext } = parse(path)
  return format({ dir, name: `${name}.error`, ext: ext || '.log' })
}
