import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2'
import type { MysqlConfig } from '../../config/config.ts'
import { connectionOptions, sessionStatement } from './connection-options.ts'

const CONNECT_TIMEOUT_MS = 1000
/** Sooner than firewalls and NAT forget an idle connection. */
const KEEP_ALIVE_DELAY_MS = 30_000
/** For each connection. The server limits all connections of all instances together, to 16,382 by default. */
const MAX_PREPARED_STATEMENTS = 200

/** The bounds of a pool. */
export interface PoolLimits {
  connectionLimit: number
  /** Time after which the server itself ends a statement, in ms. */
  queryTimeoutMs: number
}

/** What a pool of the service needs, when somebody else creates the pool. */
interface PoolSetup {
  /** The options to create the pool with. */
  options: PoolOptions
  /** Makes the pool prepare each new connection, and end at once. Call it right after creating the pool. */
  prepare(pool: Pool): void
  /** Closes all connections of the pool now; their calls fail. */
  hangUpAll(): void
}

/** Opens a pool, which connects when it is used. Its `end` takes no time, whatever state the server is in. */
export function openPool(config: MysqlConfig, limits: PoolLimits): Pool {
  const { options, prepare } = setUpPool(config, limits)
  const pool = createPool(options)
  prepare(pool)
  return pool
}

/** Prepares a pool that somebody else creates, such as a plugin of the framework. */
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

  function prepare(pool: Pool): void {
    pool.on('connection', (connection) => {
      // The pool drops a connection at its first error; a second one without a listener would end the process.
      connection.on('error', () => {})
      connection.query(prepareSession, (error) => error && hangUp(connection))
    })
    const end = pool.end.bind(pool)
    // Every connection says goodbye to the server, and none waits for the reply.
    pool.end = (done?: (error: NodeJS.ErrnoException | null) => void) => {
      end(() => {})
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
  return { options, prepare, hangUpAll }
}

/** Closes a connection now; its calls fail. The driver's `destroy` would wait for the server to close it. */
export function hangUp(connection: PoolConnection): void {
  const { stream } = connection as PoolConnection & { stream: Duplex }
  stream.destroy()
}
