import type { Pool, PoolConnection } from 'mysql2'
import type { Connection } from 'mysql2/promise'
import { AppError, overloaded } from '../errors/app-error.ts'
import { type StartTimeout, startTimeout } from '../lib/time-limit.ts'
import { Buckets } from '../metrics/histogram.ts'
import type { PoolUsage } from '../metrics/pool-metrics.ts'
import { databaseTimeout, databaseUnavailable, isConnectionLost, statementError } from './database-error.ts'
import { hangUp } from './pool.ts'
import { inTransaction } from './transaction.ts'

/** Time for the server to report that it ended a statement at its limit, which keeps the connection. */
export const ANSWER_GRACE_MS = 100

/** Statements that may run a second time: a SELECT, possibly after a comment. */
const READING = /^[\s(]*(?:\/\*.*?\*\/\s*)?SELECT\b/i

const RETRY_AFTER_SECONDS = 1

/** The parameters of a prepared statement. */
export type Params = readonly (string | number | Buffer | null)[]

/** MySQL behind bounds: no call takes longer than the time limit, and only so many calls wait for a connection. */
export interface Database {
  /**
   * Runs one prepared statement. A SELECT that loses its connection runs once more, on another one.
   * @returns the rows
   * @throws {AppError} `overloaded`, `database-unavailable` or `database-timeout`, all of them 503
   */
  execute<Row>(sql: string, params: Params): Promise<Row[]>
  /**
   * Runs work in a READ COMMITTED transaction: it is committed when the work succeeds, and rolled back when it fails.
   * @throws what the work throws; {AppError} as `execute` does. After `database-unavailable` and `database-timeout` the
   * transaction may have been committed or not
   */
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /**
   * Lends a connection for several statements. The work must leave it as it was: without a transaction or a lock.
   * @throws what the work throws; {AppError} as `execute` does
   */
  session<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /** What the pool is doing, always current. */
  readonly usage: PoolUsage
}

interface DatabaseOptions {
  connectionLimit: number
  /** Maximum number of calls that wait for a connection. */
  queueLimit: number
  /** Time limit of a call: for waiting, connecting and running together. */
  queryTimeoutMs: number
  /** Called with the reason each time that connecting fails. */
  onUnreachable?: (error: Error) => void
  /** A monotonic clock, in ms. */
  nowMs?: () => number
  /** Starts the time limit of a call. */
  start?: StartTimeout
}

interface Call<T> {
  readonly work: (connection: PoolConnection) => Promise<T>
  /** Whether the call may run a second time when its connection is lost. */
  readonly isRepeatable: boolean
  connection: PoolConnection | undefined
  /** Whether the time limit has passed, so that nobody waits for the result. */
  isOver: boolean
}

/**
 * Puts bounds around a pool of the driver. The driver's own queue has no time limit and keeps calls whose callers have gone,
 * so calls wait here, and the pool is never asked for more connections than it may open.
 */
export function createDatabase(pool: Pool, options: DatabaseOptions): Database {
  const { connectionLimit, queueLimit, queryTimeoutMs, onUnreachable } = options
  const { nowMs = () => performance.now(), start: startTimer = startTimeout } = options
  const waiting = new Set<() => void>()
  let running = 0
  const waits = new Buckets()
  const failures = new Map([
    ['overloaded', 0],
    ['database-timeout', 0],
    ['database-unavailable', 0]
  ])

  const execute = <Row>(sql: string, params: Params) =>
    schedule<Row[]>((connection) => executeOn(connection, sql, params), READING.test(sql))

  const session = <T>(work: (connection: Connection) => Promise<T>) =>
    schedule((connection) => work(connection.promise()), false)

  const transaction = <T>(work: (connection: Connection) => Promise<T>) =>
    session((connection) => inTransaction(connection, work))

  function schedule<T>(work: Call<T>['work'], isRepeatable: boolean): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    if (running >= connectionLimit && waiting.size >= queueLimit) {
      fail(overloaded('Too many requests are waiting for the database.', RETRY_AFTER_SECONDS))
      return promise
    }
    const scheduledAtMs = nowMs()
    const call: Call<T> = { work, isRepeatable, connection: undefined, isOver: false }

    const cancelTimer = startTimer(() => {
      call.isOver = true
      if (waiting.delete(start)) endWait()
      if (call.connection) hangUp(call.connection)
      fail(databaseTimeout())
    }, queryTimeoutMs + ANSWER_GRACE_MS)

    function start() {
      running++
      endWait()
      run(call)
        .finally(end)
        .then(resolve, (error) => call.isOver || fail(error))
    }

    function end() {
      cancelTimer()
      running--
      startNext()
    }

    function endWait() {
      waits.observe((nowMs() - scheduledAtMs) / 1000)
    }

    function fail(error: unknown) {
      countFailure(error)
      reject(error)
    }

    if (running < connectionLimit) start()
    else waiting.add(start)
    return promise
  }

  function countFailure(error: unknown) {
    if (!(error instanceof AppError)) return
    const count = failures.get(error.code)
    if (count !== undefined) failures.set(error.code, count + 1)
  }

  function startNext() {
    const [next] = waiting
    if (next === undefined) return
    waiting.delete(next)
    next()
  }

  async function run<T>(call: Call<T>, isRepeated = false): Promise<T> {
    const connection = await connect()
    try {
      if (call.isOver) throw databaseTimeout()
      call.connection = connection
      return await call.work(connection)
    } catch (error) {
      const mayRepeat = call.isRepeatable && !isRepeated && !call.isOver && isConnectionLost(error)
      if (!mayRepeat) throw statementError(error)
    } finally {
      call.connection = undefined
      connection.release()
    }
    return await run(call, true)
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

  const usage: PoolUsage = {
    get used() {
      return running
    },
    limit: connectionLimit,
    get waiting() {
      return waiting.size
    },
    waits,
    failures
  }
  return { execute, transaction, session, usage }
}

/** Runs one prepared statement without bounds, and returns its rows. */
export function executeOn<Row>(connection: PoolConnection, sql: string, params: Params): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    connection.execute(sql, [...params], (error, rows) => (error ? reject(error) : resolve(rows as Row[])))
  })
}
