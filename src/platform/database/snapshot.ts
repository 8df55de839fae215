import type { Pool, PoolConnection } from 'mysql2'
import { type StartTimeout, startTimeout, withTimeLimit } from '../lib/time-limit.ts'
import { ANSWER_GRACE_MS, type Database, executeOn } from './database.ts'
import { databaseTimeout, databaseUnavailable, statementError } from './database-error.ts'
import { hangUp } from './pool.ts'

/** The database as it was at one moment, however long it is read (`START TRANSACTION WITH CONSISTENT SNAPSHOT`). */
export interface Snapshot {
  /**
   * Runs one prepared statement, once: a snapshot does not outlive its connection.
   * @returns the rows
   * @throws {AppError} `database-unavailable` or `database-timeout`
   */
  execute: Database['execute']
  /** Ends the snapshot, and a statement that is running. Its connection can be used again, or is closed. */
  close(): Promise<void>
}

/**
 * Opens a snapshot on a connection of a pool. What is committed later is not in it. While it is open, the server keeps old
 * versions of every row that changes, so it must be closed soon.
 * @param queryTimeoutMs time limit for connecting, and for each statement
 * @param start starts these time limits
 * @throws {AppError} `database-unavailable` or `database-timeout`
 */
export async function openSnapshot(pool: Pool, queryTimeoutMs: number, start = startTimeout): Promise<Snapshot> {
  const timeoutMs = queryTimeoutMs + ANSWER_GRACE_MS
  const connection = await connect(pool, timeoutMs, start)
  let isBusy = false
  let isClosed = false

  async function run<T>(statement: () => Promise<T>): Promise<T> {
    let isLate = false
    const cancelTimer = start(() => {
      isLate = true
      hangUp(connection)
    }, timeoutMs)
    isBusy = true
    try {
      return await statement()
    } catch (error) {
      throw isLate ? databaseTimeout(error) : statementError(error)
    } finally {
      isBusy = false
      cancelTimer()
    }
  }

  const command = (sql: string) => run(() => connection.promise().query(sql))

  async function close(): Promise<void> {
    if (isClosed) return
    isClosed = true
    if (isBusy) hangUp(connection)
    else await command('COMMIT').catch(() => hangUp(connection))
    connection.release()
  }

  try {
    await command('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    await command('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
  } catch (error) {
    hangUp(connection)
    connection.release()
    throw error
  }
  return {
    async execute<Row>(sql: string, params: Parameters<Database['execute']>[1]) {
      if (isClosed) throw databaseUnavailable(new Error('The snapshot is closed.'))
      return await run(() => executeOn<Row>(connection, sql, params))
    },
    close
  }
}

function connect(pool: Pool, timeoutMs: number, start: StartTimeout): Promise<PoolConnection> {
  let isLate = false
  const connecting = new Promise<PoolConnection>((resolve, reject) => {
    pool.getConnection((error, connection) => {
      if (error !== null) reject(databaseUnavailable(error))
      else if (isLate) connection.release()
      else resolve(connection)
    })
  })
  const giveUp = () => {
    isLate = true
    throw databaseTimeout()
  }
  return withTimeLimit(connecting, timeoutMs, giveUp, start)
}
