import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2'
import type { MysqlConfig } from '../../config/config.ts'
import { connectionOptions, sessionStatement } from './connection-options.ts'

const CONNECT_TIMEOUT_MS = 1000
/** Sooner than firewalls and address translation forget a connection on which nothing happens. */
const KEEP_ALIVE_DELAY_MS = 30_000
/** Of each connection. The server has a limit for all connections of all instances together, 16,382 by default. */
const MAX_PREPARED_STATEMENTS = 200

export interface PoolLimits {
  connectionLimit: number
  /** The server itself ends a statement after this long. */
  queryTimeoutMs: number
}

/** What makes a pool ours, wherever it is made. */
interface PoolSetup {
  options: PoolOptions
  /** Prepares each connection that the pool opens from now on, and makes its `end` take no time. */
  tend(pool: Pool): void
  /** Ends all connections now, and with them what waits there. */
  hangUpAll(): void
}

/** Makes a pool that connects when it is asked to; its `end` takes no time, whatever state the server is in. */
export function openPool(config: MysqlConfig, limits: PoolLimits): Pool {
  const { options, tend } = setUpPool(config, limits)
  const pool = createPool(options)
  tend(pool)
  return pool
}

/** The same in parts, for a pool that is made by others. */
export function setUpPool(config: MysqlConfig, { connectionLimit, queryTimeoutMs }: PoolLimits): PoolSetup {
  const open = new Set<Socket>()
  const prepareSession = sessionStatement(queryTimeoutMs)

  function openSocket(): Socket {
    const address = 'socketPath' in config ? { path: config.socketPath } : { host: config.host, port: config.port }
    const socket = connect({
      ...address,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS
    })
    open.add(socket)
    return socket.once('close', () => open.delete(socket))
  }

  function tend(pool: Pool): void {
    pool.on('connection', (connection) => {
      // At its first error the pool drops a connection; a second one that nobody listens to would end the process.
      connection.on('error', () => {})
      connection.query(prepareSession, (error) => error && hangUp(connection))
    })
    const sayGoodbye = pool.end.bind(pool)
    // Whoever closes the pool, us or a package: every goodbye is written at once, and nobody waits for an answer.
    pool.end = (done?: (error: NodeJS.ErrnoException | null) => void) => {
      sayGoodbye(() => {})
      hangUpAll()
      done?.(null)
    }
  }

  function hangUpAll(): void {
    for (const socket of open) socket.destroy()
  }

  const options = {
    ...connectionOptions(config),
    stream: openSocket,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxPreparedStatements: MAX_PREPARED_STATEMENTS,
    connectionLimit
  }
  return { options, tend, hangUpAll }
}

/** Ends a connection now, and with it what waits there. The driver's `destroy` leaves it to the server to hang up. */
export function hangUp(connection: PoolConnection): void {
  const { stream } = connection as PoolConnection & { stream: Duplex }
  stream.destroy()
}
