import type { Pool, PoolConnection } from 'mysql2'
import type { Connection } from 'mysql2/promise'
import { AppError, overloaded } from '../errors/app-error.ts'
import { Buckets } from '../metrics/histogram.ts'
import type { PoolUsage } from '../metrics/pool-metrics.ts'
import { databaseTimeout, databaseUnavailable, isConnectionLost, statementError } from './database-error.ts'
import { hangUp } from './pool.ts'
import { inTransaction } from './transaction.ts'

/** The server ends a statement itself at its limit, and keeps the connection: it is given the time to say so. */
export const ANSWER_GRACE_MS = 100

/** What may run a second time. A comment may stand before it. */
const READING = /^[\s(]*(?:\/\*.*?\*\/\s*)?SELECT\b/i

const RETRY_AFTER_SECONDS = 1

export type Params = readonly (string | number | Buffer | null)[]

/** MySQL behind bounds: no call takes longer than its time limit, and no more calls wait than there is room for. */
export interface Database {
  /**
   * Runs one prepared statement and answers its rows. A SELECT that loses its connection runs once more, on another.
   * @throws {AppError} `overloaded`, `database-unavailable` or `database-timeout`, all of them 503
   */
  execute<Row>(sql: string, params: Params): Promise<Row[]>
  /**
   * Runs a whole transaction, READ COMMITTED: it is committed when the work is done, rolled back when it fails.
   * @throws whatever the work throws; {AppError} as above. After `database-unavailable` nobody knows whether it was
   * committed
   */
  transaction<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /**
   * Lends a connection for several statements. It must come back as it was: without a transaction, and without a lock.
   * @throws as above
   */
  session<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /** Up to date whenever it is read. */
  readonly usage: PoolUsage
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

interface Call<T> {
  readonly work: (connection: PoolConnection) => Promise<T>
  /** Whether it may run a second time when its connection is lost. */
  readonly isRepeatable: boolean
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
    const scheduledAt = performance.now()
    const call: Call<T> = { work, isRepeatable, connection: undefined, isOver: false }

    const timer = setTimeout(() => {
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
      clearTimeout(timer)
      running--
      startNext()
    }

    function endWait() {
      waits.observe((performance.now() - scheduledAt) / 1000)
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

/** Runs one prepared statement, as long as it takes. */
export function executeOn<Row>(connection: PoolConnection, sql: string, params: Params): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    connection.execute(sql, [...params], (error, rows) => (error ? reject(error) : resolve(rows as Row[])))
  })
}
