import type { Socket } from 'node:net'
import type { Address } from './engine.ts'

/** A message of the keeper to the commands that hold its engines: one JSON document per line. */
export type KeeperMessage =
  | { type: 'step'; label: string; elapsedMs: number }
  | { type: 'ready'; database: Address; redis: Address }
  | { type: 'failed'; message: string }
  | { type: 'lost'; label: string }

/** Sends one message, unless the connection is closed. */
export function sendMessage(socket: Socket, message: KeeperMessage): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
}

/** Calls `onMessage` for each message that arrives on a connection. */
export function readMessages(socket: Socket, onMessage: (message: KeeperMessage) => void): void {
  let rest = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onMessage(JSON.parse(line))
  })
}
