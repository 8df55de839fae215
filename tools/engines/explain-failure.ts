import { statfsSync } from 'node:fs'
import { ReadableError } from '../readable-error.ts'

/** The size of a new database. */
const NEEDED_BYTES = 300 * 1024 * 1024
const FULL_BELOW_BYTES = 8 * 1024 * 1024
const DISK_IS_FULL = /No space left on device|ENOSPC|error number 28|errno:? 28|Errcode: 28|os error 28/i
const LAST_LINES = 5

/** A full disk: starting the engine in another way would not help. */
export class DiskFullError extends ReadableError {
  constructor(folder: string, options?: ErrorOptions) {
    super(`The disk that holds ${folder} is full. Free 300 MB or more, and run the command again.`, options)
    this.name = 'DiskFullError'
  }
}

/**
 * Checks that the disk has room for a new database.
 * @throws {DiskFullError} when it has not
 */
export function requireRoom(folder: string): void {
  if (freeBytes(folder) < NEEDED_BYTES) throw new DiskFullError(folder)
}

/**
 * Creates one readable error from the failure of an engine.
 * @param what the first sentence of the message
 * @param folder the folder that the engine writes to
 * @param log the engine's output, which may be empty when the disk is full
 */
export function explainFailure(what: string, folder: string, log: string, cause?: unknown): ReadableError {
  if (DISK_IS_FULL.test(log) || freeBytes(folder) < FULL_BELOW_BYTES) return new DiskFullError(folder, { cause })
  return new ReadableError(`${what}:\n${lastErrors(log)}`, { cause })
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function lastErrors(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  const errors = lines.filter((line) => /error|fatal|denied|cannot|can't|could not/i.test(line))
  return (errors.length > 0 ? errors : lines)
    .slice(-LAST_LINES)
    .map((line) => `  ${line.trim()}`)
    .join('\n')
}
