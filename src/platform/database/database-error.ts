import { AppError } from '../errors/app-error.ts'

/** What the driver makes of an error packet, or of the end of a connection. */
interface DriverError extends NodeJS.ErrnoException {
  sqlState?: string
  /** Whether the connection can no longer be used. */
  fatal?: boolean
}

/**
 * Error numbers of `max_execution_time` (MySQL) and `max_statement_time` (MariaDB), for which the driver has no names. The
 * last one is that of MariaDB when it was working in a FULLTEXT index.
 */
const TIMEOUT_NUMBERS: readonly unknown[] = [3024, 1969, 188]

/** Error numbers in place of a result: MySQL had closed the idle connection, or MariaDB was told to close it. */
const CLOSED_NUMBERS: readonly unknown[] = [4031, 1927]

/** Classes of SQLSTATE: rolled back because of another transaction, and interrupted. */
const PASSING_CLASSES: readonly unknown[] = ['40', '70']

/** Another transaction holds a lock; or the schema is not yet, or no longer, that of this release. */
const PASSING_CODES: readonly unknown[] = [
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_NO_SUCH_TABLE',
  'ER_BAD_DB_ERROR',
  'ER_BAD_FIELD_ERROR',
  // The driver's spelling.
  'ER_KEY_DOES_NOT_EXITS'
]
const RETRY_AFTER_SECONDS = 1

/** Returns whether an error of the driver means that the connection is lost. Then the statement may have run or not. */
export function isConnectionLost(error: unknown): boolean {
  const { fatal, sqlState, errno } = error as DriverError
  return fatal === true || sqlState?.startsWith('08') === true || CLOSED_NUMBERS.includes(errno)
}

/**
 * Returns whether the server itself ended a statement at its time limit, so that its connection is as good as before.
 * @param error an error of `Database`
 */
export function isStatementTimeout(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : undefined
  return cause instanceof Error && TIMEOUT_NUMBERS.includes((cause as DriverError).errno)
}

/**
 * Turns an error of a statement into what it means to a client. What passes by itself becomes a 503. Anything else, such
 * as invalid SQL or a full disk, stays as it is and ends up in the log.
 */
export function statementError(error: unknown): unknown {
  const { code, errno, sqlState } = error as DriverError
  if (TIMEOUT_NUMBERS.includes(errno)) return databaseTimeout(error)
  const willPass = PASSING_CODES.includes(code) || PASSING_CLASSES.includes(sqlState?.slice(0, 2))
  return willPass || isConnectionLost(error) ? databaseUnavailable(error) : error
}

/** Makes a 503 `database-timeout`: a call took longer than it may. */
export function databaseTimeout(cause?: unknown): AppError {
  return new AppError('database-timeout', 'The database did not answer in time.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause
  })
}

/** Makes a 503 `database-unavailable`: there is no connection, or none that works. */
export function databaseUnavailable(cause: unknown): AppError {
  return new AppError('database-unavailable', 'The database is not available at the moment.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause
  })
}
