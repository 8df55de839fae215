import { connect } from 'node:net'

/** The kind of a server that Aisle needs: a database (MySQL or MariaDB), or Redis (or Valkey). */
export type Engine = 'database' | 'redis'

/** An address to connect to: a Unix socket, or a TCP port. */
export type Address = { path: string } | { host: string; port: number }

/** An engine that accepts connections, in a process or in a container. */
export interface RunningEngine {
  /** The name to show to people, such as `MariaDB 10.11.19`. */
  readonly label: string
  readonly address: Address
  stop(): Promise<void>
  /** A callback for an unexpected end. */
  onLost: (() => void) | null
}

/** A callback for each finished step of a start, with its duration in milliseconds. */
export type OnStep = (label: string, elapsedMs: number) => void

const PROBE_TIMEOUT_MS = 1000
const MYSQL_PROTOCOL_VERSION = 10

/** Checks that a MySQL or MariaDB accepts connections: it sends a greeting to each new one. */
export function isMysqlReady(address: Address): Promise<boolean> {
  return probe(address, '', (greeting) => greeting[4] === MYSQL_PROTOCOL_VERSION)
}

/** Checks that a Redis or Valkey answers `PING`. */
export function isRedisReady(address: Address): Promise<boolean> {
  return probe(address, 'PING\r\n', (answer) => answer.toString('latin1').startsWith('+PONG'))
}

function probe(address: Address, request: string, isAnswer: (chunk: Buffer) => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address)
    const finish = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(PROBE_TIMEOUT_MS, () => finish(false))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
    socket.once('data', (chunk) => finish(isAnswer(chunk)))
    if (request !== '') socket.write(request)
  })
}
