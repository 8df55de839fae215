import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Refusal } from '../src/client-error.ts'
import { accessLog } from '../src/logging/access-log.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The API key of the client, once it is known. */
    keyId: string | null
    /** Whether the answer came from a cache, where there is one. */
    cacheOutcome: string | null
  }
  interface FastifyInstance {
    /** For the few requests that come to no hook. */
    accessLog: {
      watch(request: FastifyRequest, reply: FastifyReply): void
      writeRefusal(refusal: Refusal): void
    }
  }
}

const CLIENT_CLOSED_REQUEST = 499

/** One line for each request, when its response is closed: sent, cut off, or never begun. */
export default fp(
  async (app) => {
    const { logStream } = app
    const write = accessLog({ stream: logStream, level: app.config.log.level })
    /** Responses that others wrote past Fastify. */
    const refusals = new WeakMap<ServerResponse, number>()

    function watch(request: FastifyRequest, reply: FastifyReply): void {
      const { raw } = reply
      raw.on('close', () => {
        const refused = raw.headersSent ? undefined : refusals.get(raw)
        write({
          requestId: request.id,
          method: request.method,
          url: request.url,
          route: request.routeOptions.url ?? null,
          status: raw.headersSent ? raw.statusCode : (refused ?? CLIENT_CLOSED_REQUEST),
          durationMs: reply.elapsedTime,
          // Requests that come to no hook have no decorations either.
          keyId: request.keyId ?? null,
          cache: request.cacheOutcome ?? null,
          aborted: !raw.writableFinished && refused === undefined
        })
      })
    }

    app.decorateRequest('keyId', null).decorateRequest('cacheOutcome', null)
    app.decorate('accessLog', {
      watch,
      writeRefusal({ status, requestId, response }) {
        if (response) refusals.set(response, status)
        else write({ ...UNREAD, requestId, status })
      }
    })
    app.addHook('onRequest', (request, reply, done) => {
      watch(request, reply)
      done()
    })
    app.addHook('onClose', () => logStream.flushAll())
  },
  { name: 'access-log' }
)

const UNREAD = { method: null, url: null, route: null, durationMs: 0, keyId: null, cache: null, aborted: false }
