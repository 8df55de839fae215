import { connect } from 'node:net'

/** Where a server listens. */
export type Address = { path: string } | { host: string; port: number }

const PROBE_TIMEOUT_MS = 1000
const MYSQL_PROTOCOL_VERSION = 10

/** Is there a MySQL or MariaDB that takes connections? It greets whoever connects. */
export function isMysqlReady(address: Address): Promise<boolean> {
  return probe(address, '', (greeting) => greeting[4] === MYSQL_PROTOCOL_VERSION)
}

/** Is there a Redis that answers? */
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
