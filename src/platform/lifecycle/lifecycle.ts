import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { IN_FLIGHT_TIMEOUT_MS } from '../../config/limits.ts'

/** The state of the service between starting and stopping. */
export interface Lifecycle {
  /** True from the first signal to stop: readiness answers 503, and requests are still served. */
  isDraining: boolean
  /** Starts draining, and calls the listeners. */
  beginDraining(): void
  /** Adds a listener that is called when draining begins, to end requests that only wait. */
  onDraining(listener: () => void): void
}

/** Makes the lifecycle of one application, which is not draining yet. */
export function createLifecycle(): Lifecycle {
  const listeners: (() => void)[] = []
  return {
    isDraining: false,
    beginDraining() {
      this.isDraining = true
      for (const listener of listeners) listener()
    },
    onDraining(listener) {
      listeners.push(listener)
    }
  }
}

/**
 * Makes a function that lets a server close in bounded time; it is called right before `close`. Requests in flight can
 * finish. By itself the server would also wait for connections without a request, which browsers open in advance, for
 * those that are left idle by a request in flight, and for clients that stop in the middle of a request.
 * @param callLater calls a function after some ms; it must not keep the process alive
 */
export function createConnectionCloser(server: Server, callLater = setUnreferencedTimeout): () => void {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })

  return () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
    server.keepAliveTimeout = 1
    callLater(() => server.closeAllConnections(), IN_FLIGHT_TIMEOUT_MS)
  }
}

function setUnreferencedTimeout(call: () => void, delayMs: number): void {
  setTimeout(call, delayMs).unref()
}
