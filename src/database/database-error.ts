import { AppError } from '../errors.ts'

const TIMEOUT_CODES = new Set(['ER_QUERY_TIMEOUT', 'ER_STATEMENT_TIMEOUT'])

/** Faults of the statement itself: they are ours, and no waiting will mend them. */
const STATEMENT_ERROR_CLASSES = new Set(['42', '21', '22', '23'])

/**
 * What an error of the driver means to a client. A statement that the server refuses is a fault of ours and stays as
 * it is; everything else (no server, no connection, no schema yet, the wrong password) means that the database is not
 * there for us now.
 */
export function databaseError(error: Error): Error {
  const { code, sqlState } = error as Error & { code?: string; sqlState?: string }
  if (code !== undefined && TIMEOUT_CODES.has(code)) {
    return new AppError('database-timeout', 'The database took too long to answer.', {
      retryAfterSeconds: 1,
      cause: error
    })
  }
  if (sqlState !== undefined && STATEMENT_ERROR_CLASSES.has(sqlState.slice(0, 2)) && !isMissingSchema(code))
    return error
  return new AppError('database-unavailable', 'The database does not answer right now.', {
    retryAfterSeconds: 1,
    cause: error
  })
}

function isMissingSchema(code: string | undefined): boolean {
  return code === 'ER_NO_SUCH_TABLE' || code === 'ER_BAD_DB_ERROR' || code === 'ER_BAD_FIELD_ERROR'
}
