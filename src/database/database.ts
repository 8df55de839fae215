import type { Pool, PoolConnection } from 'mysql2'
import { AppError } from '../errors.ts'
import { databaseError } from './database-error.ts'

export type Params = readonly (string | number | Buffer | null)[]

/** MySQL behind bounds: no call takes longer than its time limit, and no more calls wait than there is room for. */
export interface Database {
  /**
   * Runs one prepared statement and answers its rows.
   * @throws {AppError} `overloaded`, `database-unavailable` or `database-timeout`, all of them 503
   */
  execute<Row>(sql: string, params: Params): Promise<Row[]>
}

interface Bounds {
  connectionLimit: number
  queueLimit: number
  /** For waiting, connecting and running together. */
  queryTimeoutMs: number
}

/**
 * The driver's own queue has no time limit and keeps callers that have given up, so calls wait here and the pool is
 * never asked for more connections than it has. A statement that runs past the limit loses its connection: a server
 * that has stopped must not keep it.
 */
export function createDatabase(pool: Pool, { connectionLimit, queueLimit, queryTimeoutMs }: Bounds): Database {
  const waiting = new Set<() => void>()
  let running = 0

  function execute<Row>(sql: string, params: Params): Promise<Row[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Row[]>()
    let connection: PoolConnection | undefined
    let isOver = false

    const timer = setTimeout(() => {
      isOver = true
      if (connection) {
        connection.destroy()
        finish()
      }
      waiting.delete(start)
      reject(new AppError('database-timeout', 'The database did not answer in time.', { retryAfterSeconds: 1 }))
    }, queryTimeoutMs)

    function start() {
      running++
      pool.getConnection((error, acquired) => {
        if (error || isOver) {
          acquired?.release()
          settle(error)
        } else {
          connection = acquired
          acquired.execute(sql, [...params], (error, rows) => {
            if (isOver) return
            acquired.release()
            settle(error, rows as Row[])
          })
        }
      })
    }

    function settle(error: Error | null, rows: Row[] = []) {
      clearTimeout(timer)
      finish()
      if (error) reject(databaseError(error))
      else resolve(rows)
    }

    if (running < connectionLimit) start()
    else if (waiting.size < queueLimit) waiting.add(start)
    else {
      clearTimeout(timer)
      reject(new AppError('overloaded', 'Too many requests wait for the database.', { retryAfterSeconds: 1 }))
    }
    return promise
  }

  function finish() {
    running--
    const [next] = waiting
    if (next === undefined) return
    waiting.delete(next)
    next()
  }

  return { execute }
}
