import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** Time for a client to read the response while it is still sending. */
const LINGER_MS = 2000

/** The time limit of request bodies. */
export interface BodyTimeout {
  /** Lifts the time limit for the body of one request. */
  lift(request: IncomingMessage): void
}

/**
 * Limits the time in which the body of each request of a server has to arrive, whichever handler it ends up with. Node's
 * own `requestTimeout` is the same for all requests. A late body is reported as Node reports a late request: as a
 * `clientError` of the server. A request without a body costs a look at two header fields.
 */
export function limitBodies(server: Server, timeoutMs: number): BodyTimeout {
  const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>()

  // Before the listener that handles the request.
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

/**
 * Discards what is left of a request body once its response is sent, so that the connection can be used for the next
 * request. A client that goes on sending is disconnected after two seconds: earlier, the unread bytes would reset the
 * connection before the client could read the response.
 */
export function discardRest(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return
    const timer = setTimeout(() => request.destroy(), LINGER_MS).unref()
    request.once('close', () => clearTimeout(timer)).resume()
  })
}
