import type { Pool, PoolConnection } from 'mysql2'
import { AppError } from '../errors.ts'
import { databaseTimeout, databaseUnavailable, isConnectionLost, statementError } from './database-error.ts'
import { hangUp } from './pool.ts'

/** The server ends a statement itself at its limit, and keeps the connection: it is given the time to say so. */
const ANSWER_GRACE_MS = 100

/** What may run a second time. */
const READING = /^[\s(]*SELECT\b/i

export type Params = readonly (string | number | Buffer | null)[]

/** MySQL behind bounds: no call takes longer than its time limit, and no more calls wait than there is room for. */
export interface Database {
  /**
   * Runs one prepared statement and answers its rows. A SELECT that loses its connection runs once more, on another.
   * @throws {AppError} `overloaded`, `database-unavailable` or `database-timeout`, all of them 503
   */
  execute<Row>(sql: string, params: Params): Promise<Row[]>
}

interface DatabaseOptions {
  connectionLimit: number
  /** How many calls may wait for a connection. */
  queueLimit: number
  /** For waiting, connecting and running together, and for running on the server. */
  queryTimeoutMs: number
  /** Told the reason each time that no connection is to be had. */
  onUnreachable?: (error: Error) => void
}

interface Call {
  readonly sql: string
  readonly params: Params
  connection: PoolConnection | undefined
  /** Its time is over, and its caller has gone. */
  isOver: boolean
}

/**
 * The driver's own queue has no time limit and keeps callers that have gone, so calls wait here, and the pool is never
 * asked for more connections than it may have.
 */
export function createDatabase(pool: Pool, options: DatabaseOptions): Database {
  const { connectionLimit, queueLimit, queryTimeoutMs, onUnreachable } = options
  const waiting = new Set<() => void>()
  let running = 0

  function execute<Row>(sql: string, params: Params): Promise<Row[]> {
    if (running >= connectionLimit && waiting.size >= queueLimit) return Promise.reject(tooManyWaiting())
    const { promise, resolve, reject } = Promise.withResolvers<Row[]>()
    const call: Call = { sql, params, connection: undefined, isOver: false }

    const timer = setTimeout(() => {
      call.isOver = true
      waiting.delete(start)
      if (call.connection) hangUp(call.connection)
      reject(databaseTimeout())
    }, queryTimeoutMs + ANSWER_GRACE_MS)

    function start() {
      running++
      run<Row>(call).finally(end).then(resolve, reject)
    }

    function end() {
      clearTimeout(timer)
      running--
      startNext()
    }

    if (running < connectionLimit) start()
    else waiting.add(start)
    return promise
  }

  function startNext() {
    const [next] = waiting
    if (next === undefined) return
    waiting.delete(next)
    next()
  }

  async function run<Row>(call: Call, isRepeated = false): Promise<Row[]> {
    const connection = await connect()
    try {
      call.connection = connection
      return call.isOver ? [] : await executeOn<Row>(connection, call)
    } catch (error) {
      const mayRepeat = !isRepeated && !call.isOver && isConnectionLost(error) && READING.test(call.sql)
      if (!mayRepeat) throw statementError(error)
    } finally {
      call.connection = undefined
      connection.release()
    }
    return await run<Row>(call, true)
  }

  function connect(): Promise<PoolConnection> {
    return new Promise((resolve, reject) => {
      pool.getConnection((error, connection) => {
        if (error === null) return resolve(connection)
        onUnreachable?.(error)
        reject(databaseUnavailable(error))
      })
    })
  }

  return { execute }
}

function executeOn<Row>(connection: PoolConnection, { sql, params }: Call): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    connection.execute(sql, [...params], (error, rows) => (error ? reject(error) : resolve(rows as Row[])))
  })
}

function tooManyWaiting(): AppError {
  return new AppError('overloaded', 'Too many requests wait for the database.', { retryAfterSeconds: 1 })
}
