import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Test } from 'tap'

export type Answer = (response: ServerResponse, request: IncomingMessage) => void

export interface ScriptedUpstream {
  readonly url: string
  /** How many requests have arrived, and how many connections were opened. */
  readonly requests: number
  readonly connections: number
  /** The connections that are open now, the requests in flight now, and the most requests in flight at the same time. */
  readonly open: number
  readonly atOnce: number
  readonly mostAtOnce: number
  /** The requests' targets. */
  readonly targets: readonly string[]
  /** Sets the answers from now on: one for each request; the last one for all that follow. */
  script(...answers: Answer[]): void
  /** Ends all connections. */
  disconnect(): void
}

/** Starts a real HTTP server that answers as scripted. It is closed at the end of the test. */
export async function scriptedUpstream(t: Test): Promise<ScriptedUpstream> {
  const sockets = new Set<Socket>()
  const targets: string[] = []
  let answers: Answer[] = [ok]
  let connections = 0
  let atOnce = 0
  let mostAtOnce = 0

  const server = createServer((request, response) => {
    targets.push(request.url ?? '')
    mostAtOnce = Math.max(mostAtOnce, ++atOnce)
    response.on('close', () => atOnce--)
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? ok
    answer(response, request)
  })
  server.on('connection', (socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/api`,
    targets,
    get requests() {
      return targets.length
    },
    get connections() {
      return connections
    },
    get open() {
      return sockets.size
    },
    get atOnce() {
      return atOnce
    },
    get mostAtOnce() {
      return mostAtOnce
    },
    script(...next) {
      answers = next
    },
    disconnect() {
      server.closeAllConnections()
    }
  }
}

const JSON_HEAD = { 'content-type': 'application/json' }

export const VALUE = { sku: 'A-1', available: 7 }
const TEXT = JSON.stringify(VALUE)

export const ok: Answer = (response) => response.writeHead(200, JSON_HEAD).end(TEXT)
export const silence: Answer = () => {}
export const reset: Answer = (response) => response.socket?.resetAndDestroy()
export const endlessBody: Answer = (response) => response.writeHead(200, JSON_HEAD).write(TEXT.slice(0, 5))
export const endlessError: Answer = (response) => response.writeHead(500).write('never ends')
export const resetInBody: Answer = (response) => {
  response.writeHead(200, JSON_HEAD).write(TEXT.slice(0, 5), () => response.socket?.resetAndDestroy())
}
export const truncated: Answer = (response) => {
  response.writeHead(200, { ...JSON_HEAD, 'content-length': 1000 }).write(TEXT, () => response.socket?.end())
}
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('no')
export const body =
  (text: string, headers: Record<string, string> = JSON_HEAD): Answer =>
  (response) =>
    response.writeHead(200, headers).end(text)
