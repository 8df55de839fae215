import { statfsSync } from 'node:fs'
import { ReadableError } from '../readable-error.ts'

/** What a database needs to begin with. */
const NEEDED_BYTES = 300 * 1024 * 1024
const FULL_BELOW_BYTES = 8 * 1024 * 1024
const DISK_IS_FULL = /No space left on device|ENOSPC|error number 28|errno:? 28|Errcode: 28|os error 28/i
const LAST_LINES = 5

/** The disk has no room: another way of running the same engine would not help. */
export class DiskFullError extends ReadableError {
  constructor(folder: string, options?: ErrorOptions) {
    super(`The disk that holds ${folder} is full. Free 300 MB or more, and run the command again.`, options)
    this.name = 'DiskFullError'
  }
}

/** @throws {DiskFullError} when there is no room for a new database */
export function requireRoom(folder: string): void {
  if (freeBytes(folder) < NEEDED_BYTES) throw new DiskFullError(folder)
}

/**
 * Makes one readable error of the failure of an engine.
 * @param what the sentence to begin with
 * @param folder where the engine writes
 * @param log what it said; where the disk is full, that may be nothing
 */
export function explainFailure(what: string, folder: string, log: string, cause?: unknown): ReadableError {
  if (DISK_IS_FULL.test(log) || freeBytes(folder) < FULL_BELOW_BYTES) return new DiskFullError(folder, { cause })
  return new ReadableError(`${what}:\n${lastWords(log)}`, { cause })
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  const errors = lines.filter((line) => /error|fatal|denied|cannot|can't|could not/i.test(line))
  return (errors.length > 0 ? errors : lines)
    .slice(-LAST_LINES)
    .map((line) => `  ${line.trim()}`)
    .join('\n')
}
