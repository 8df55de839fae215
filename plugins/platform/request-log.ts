import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ParserRefusal } from '../../src/platform/http/client-error.ts'
import type { RequestEnd } from '../../src/platform/http/request-end.ts'

export interface RequestEnds {
  /** From now on the listener is told the end of each request, once. */
  listen(listener: (end: RequestEnd) => void): void
  /** Tells the end of this request when its response is closed: sent, cut off, or never begun. */
  watch(request: FastifyRequest, reply: FastifyReply): void
  /** For a request that is answered as soon as it is there. */
  tell(end: RequestEnd): void
  /** For what never became a request, or whose body turned out to be none. */
  tellRefusal(refusal: ParserRefusal): void
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its clients may wish to wait for something to happen: a late answer is not a slow one. */
    mayWait?: boolean
  }
  interface FastifyRequest {
    /** The API key of the client, once it is known. */
    keyId: string | null
    /** Where the answer comes from, when there is a cache. */
    cacheOutcome: string | null
    isWatched: boolean
  }
  interface FastifyInstance {
    requestEnds: RequestEnds
  }
}

const CLIENT_CLOSED_REQUEST = 499
const UNREAD = { method: null, url: null, route: null, durationMs: 0, keyId: null, cache: null, aborted: false }

/**
 * `requestEnds`: what logs and counts requests hears of each of them here, once. Fastify's own hooks miss the clients
 * that went away, and cost every request more.
 */
export default fp(
  async (app) => {
    const listeners: ((end: RequestEnd) => void)[] = []
    /** Responses that were written past Fastify. */
    const refusals = new WeakMap<ServerResponse, number>()

    function tell(end: RequestEnd): void {
      for (const listener of listeners) listener(end)
    }

    function watch(request: FastifyRequest, reply: FastifyReply): void {
      request.isWatched = true
      const { raw } = reply
      let isFinished = false
      const onClose = () => {
        const refused = raw.headersSent ? undefined : refusals.get(raw)
        tell({
          requestId: request.id,
          method: request.method,
          url: request.url,
          route: request.routeOptions.url ?? null,
          status: raw.headersSent ? raw.statusCode : (refused ?? CLIENT_CLOSED_REQUEST),
          durationMs: reply.elapsedTime,
          mayWait: request.routeOptions.config.mayWait ?? false,
          // What comes to no hook has no decorators either.
          keyId: request.keyId ?? null,
          cache: request.cacheOutcome ?? null,
          aborted: !isFinished && refused === undefined
        })
      }
      const onFinish = () => {
        isFinished = true
      }
      if (raw.closed) onClose()
      else raw.on('finish', onFinish).on('close', onClose)
    }

    app.decorateRequest('keyId', null).decorateRequest('cacheOutcome', null).decorateRequest('isWatched', false)
    app.decorate('requestEnds', {
      listen: (listener) => listeners.push(listener),
      watch,
      tell,
      tellRefusal({ status, requestId, response }) {
        if (response) refusals.set(response, status)
        else tell({ ...UNREAD, requestId, status })
      }
    })
    // What a hook refuses before the hot lane is watched from here.
    app.addHook('onSend', (request, reply, _payload, done) => {
      if (!request.isWatched) watch(request, reply)
      done()
    })
  },
  { name: 'request-end' }
)
