import type { IncomingMessage, Server } from 'node:http'

export interface BodyTimeout {
  /** This body may take as long as it likes. */
  lift(request: IncomingMessage): void
}

/**
 * Gives the body of each request so much time to arrive, wherever the request ends up. Node's own limit is the same for all
 * requests, and leaves none out. A body that is too late is told as Node tells it: as a `clientError` of the server.
 * Requests without a body cost a look at two header fields.
 */
export function limitBodies(server: Server, timeoutMs: number): BodyTimeout {
  const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>()

  // Ahead of whoever answers.
  server.prependListener('request', (request) => {
    const { headers } = request
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return
    const timer = setTimeout(() => {
      if (!request.complete) server.emit('clientError', tooLate(), request.socket)
    }, timeoutMs).unref()
    timers.set(request, timer)
    request.once('close', () => clearTimeout(timer))
  })

  return {
    lift(request) {
      clearTimeout(timers.get(request))
    }
  }
}

function tooLate(): Error {
  return Object.assign(new Error('The body did not arrive in time.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
}
