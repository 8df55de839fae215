import type { Duplex } from 'node:stream'
import { createPool, type Pool, type PoolConnection } from 'mysql2'
import type { MysqlConfig } from '../config.ts'
import { connectionOptions, sessionStatement } from './connection-options.ts'

const CONNECT_TIMEOUT_MS = 1000
/** Sooner than firewalls and address translation forget a connection on which nothing happens. */
const KEEP_ALIVE_DELAY_MS = 30_000
/** Of each connection. The server has a limit for all connections of all instances together, 16,382 by default. */
const MAX_PREPARED_STATEMENTS = 200

interface PoolLimits {
  connectionLimit: number
  /** The server itself ends a statement after this long. */
  queryTimeoutMs: number
}

/** Makes a pool that connects when it is asked to; `close` takes no time, whatever state the server is in. */
export function openPool(config: MysqlConfig, limits: PoolLimits): { pool: Pool; close: () => void } {
  const { connectionLimit, queryTimeoutMs } = limits
  const pool = createPool({
    ...connectionOptions(config),
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    maxPreparedStatements: MAX_PREPARED_STATEMENTS,
    connectionLimit
  })
  const open = new Set<PoolConnection>()
  const prepareSession = sessionStatement(queryTimeoutMs)

  pool.on('connection', (connection) => {
    open.add(connection)
    // At its first error the pool drops a connection; a second one that nobody listens to would end the process.
    connection.on('error', () => open.delete(connection))
    connection.on('end', () => open.delete(connection))
    connection.query(prepareSession, (error) => error && hangUp(connection))
  })

  return {
    pool,
    close() {
      // Writes every goodbye at once, and nobody waits for an answer.
      pool.end(() => {})
      open.forEach(hangUp)
    }
  }
}

/** Ends a connection now, and with it what waits there. The driver's `destroy` leaves it to the server to hang up. */
export function hangUp(connection: PoolConnection): void {
  const { stream } = connection as PoolConnection & { stream: Duplex }
  stream.destroy()
}
