import type { IncomingMessage, ServerResponse } from 'node:http'

/** For a client to read the answer while it still sends. */
const LINGER_MS = 2000

/**
 * Throws away what is left of a body once its answer is sent. The connection goes on with the next request; a client that
 * does not come to an end is hung up on, but not before it could read the answer: unread bytes would reset the connection.
 */
export function discardRest(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return
    const timer = setTimeout(() => request.destroy(), LINGER_MS).unref()
    request.once('close', () => clearTimeout(timer)).resume()
  })
}
