import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { IN_FLIGHT_TIMEOUT_MS } from '../../config/limits.ts'

/**
 * Makes the function that lets a server close in time, to be called right before. Requests in flight finish. By itself
 * the server would also wait for connections on which nothing was asked yet, as browsers open them in advance, for
 * those that a request in flight leaves behind, and for clients that stop in the middle of a request.
 */
export function createConnectionCloser(server: Server): () => void {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })

  return () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
    server.keepAliveTimeout = 1
    setTimeout(() => server.closeAllConnections(), IN_FLIGHT_TIMEOUT_MS).unref()
  }
}
