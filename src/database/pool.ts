import type { Duplex } from 'node:stream'
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2'
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

/** How a pool of ours connects. */
export function poolOptions(
  config: MysqlConfig,
  { connectionLimit }: Pick<PoolLimits, 'connectionLimit'>
): PoolOptions {
  return {
    ...connectionOptions(config),
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    maxPreparedStatements: MAX_PREPARED_STATEMENTS,
    connectionLimit
  }
}

/** Makes a pool that connects when it is asked to; its `end` takes no time, whatever state the server is in. */
export function openPool(config: MysqlConfig, limits: PoolLimits): Pool {
  const pool = createPool(poolOptions(config, limits))
  tendPool(pool, limits)
  return pool
}

/** Prepares each connection that a pool opens from now on, and makes its `end` take no time. */
export function tendPool(pool: Pool, { queryTimeoutMs }: Pick<PoolLimits, 'queryTimeoutMs'>): void {
  const open = new Set<PoolConnection>()
  const prepareSession = sessionStatement(queryTimeoutMs)

  pool.on('connection', (connection) => {
    open.add(connection)
    // At its first error the pool drops a connection; a second one that nobody listens to would end the process.
    connection.on('error', () => open.delete(connection))
    connection.on('end', () => open.delete(connection))
    connection.query(prepareSession, (error) => error && hangUp(connection))
  })

  const sayGoodbye = pool.end.bind(pool)
  // Whoever closes the pool, us or a package: every goodbye is written at once, and nobody waits for an answer.
  pool.end = (done?: (error: NodeJS.ErrnoException | null) => void) => {
    sayGoodbye(() => {})
    open.forEach(hangUp)
    done?.(null)
  }
}

/** Ends a connection now, and with it what waits there. The driver's `destroy` leaves it to the server to hang up. */
export function hangUp(connection: PoolConnection): void {
  const { stream } = connection as PoolConnection & { stream: Duplex }
  stream.destroy()
}
