import { AppError } from '../errors/app-error.ts'

/** What the driver makes of an error packet, or of the end of a connection. */
interface DriverError extends NodeJS.ErrnoException {
  sqlState?: string
  /** The connection is of no more use. */
  fatal?: boolean
}

/**
 * `max_execution_time` of MySQL and `max_statement_time` of MariaDB, for which the driver has no name; the last one is
 * what MariaDB says where it was at work in FULLTEXT.
 */
const TIMEOUT_NUMBERS: readonly unknown[] = [3024, 1969, 188]

/** In place of an answer: MySQL had closed the idle connection, or MariaDB was told to. */
const CLOSED_NUMBERS: readonly unknown[] = [4031, 1927]

/** Rolled back because of others, and interrupted. */
const PASSING_CLASSES: readonly unknown[] = ['40', '70']

/** Others hold a lock; or the schema is not yet, or no longer, that of this release. */
const PASSING_CODES: readonly unknown[] = [
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_NO_SUCH_TABLE',
  'ER_BAD_DB_ERROR',
  'ER_BAD_FIELD_ERROR',
  // So the driver spells it.
  'ER_KEY_DOES_NOT_EXITS'
]

/** Is the connection gone? Then nobody knows whether the statement has run. */
export function isConnectionLost(error: unknown): boolean {
  const { fatal, sqlState, errno } = error as DriverError
  return fatal === true || sqlState?.startsWith('08') === true || CLOSED_NUMBERS.includes(errno)
}

/** Whether the server has given up a statement at its time limit. Its connection is as good as before. */
export function isGivenUp(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : undefined
  return cause instanceof Error && TIMEOUT_NUMBERS.includes((cause as DriverError).errno)
}

/**
 * What an error of a statement means to a client. What will pass is a 503; anything else (a statement that the server
 * refuses, a full disk) stays as it is, and ends up in the log.
 */
export function statementError(error: unknown): unknown {
  const { code, errno, sqlState } = error as DriverError
  if (TIMEOUT_NUMBERS.includes(errno)) return databaseTimeout(error)
  const willPass = PASSING_CODES.includes(code) || PASSING_CLASSES.includes(sqlState?.slice(0, 2))
  return willPass || isConnectionLost(error) ? databaseUnavailable(error) : error
}

/** It has taken longer than it may. */
export function databaseTimeout(cause?: unknown): AppError {
  return new AppError('database-timeout', 'The database did not answer in time.', { retryAfterSeconds: 1, cause })
}

/** There is no connection, or none that is of use. */
export function databaseUnavailable(cause: unknown): AppError {
  return new AppError('database-unavailable', 'The database does not answer right now.', {
    retryAfterSeconds: 1,
    cause
  })
}
