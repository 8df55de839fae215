import type { Socket } from 'node:net'
import type { Address } from './probe-server.ts'

/** What the keeper tells whoever holds its engines, one JSON document a line. */
export type KeeperMessage =
  | { type: 'step'; label: string; elapsedMs: number }
  | { type: 'ready'; database: Address; redis: Address }
  | { type: 'failed'; message: string }
  | { type: 'lost'; label: string }

/** Sends one message; to somebody who is gone, nothing. */
export function sendMessage(socket: Socket, message: KeeperMessage): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
}

/** Calls `onMessage` for each message that arrives. */
export function readMessages(socket: Socket, onMessage: (message: KeeperMessage) => void): void {
  let rest = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onMessage(JSON.parse(line))
  })
}
