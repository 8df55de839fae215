import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest, onRequestHookHandler, onSendHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { redactKeys } from '../../src/edge/auth/key-format.ts'
import type { ParserRefusal } from '../../src/platform/http/client-error.ts'
import type { RequestEnd } from '../../src/platform/http/request-end.ts'
import { createAccessLog } from '../../src/platform/logging/access-log.ts'

/** Reports the end of each request, once, to the access log and the metrics. */
export interface RequestLog {
  /** Adds a listener for the ends of requests. */
  onEnd(listener: (end: RequestEnd) => void): void
  /** Reports the request when its response is closed: sent, cut off, or never begun. */
  watch(request: FastifyRequest, reply: FastifyReply): void
  /** Reports a request that is over already. */
  report(end: RequestEnd): void
  /** Reports what the parser refused: bytes that never became a request, or a body that broke off. */
  reportRefusal(refusal: ParserRefusal): void
  /** Hook: watches a request from here on. */
  watchRequest: onRequestHookHandler
  /** Hook: watches a request that a hook refused before `watchRequest`. */
  watchRefused: onSendHookHandler
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The id of the client's API key, once it is known. */
    keyId: string | null
    /** Where the response comes from, when it goes through the cache. */
    cacheOutcome: string | null
    /** Whether its end is going to be reported. */
    isWatched: boolean
  }
  interface FastifyInstance {
    requestLog: RequestLog
  }
}

const CLIENT_CLOSED_REQUEST = 499
const UNREAD = { method: null, url: null, route: null, durationMs: 0, keyId: null, cache: null, aborted: false }

/**
 * `requestLog`: the one place that learns of the end of each request. Fastify's own hooks miss clients that went away,
 * and cost every request more.
 */
export default fp(
  async (app) => {
    const { logStream } = app
    const listeners = [createAccessLog({ stream: logStream, level: app.config.log.level, withoutKeys: redactKeys })]
    /** Statuses of responses that were written past Fastify. */
    const refusals = new WeakMap<ServerResponse, number>()

    function report(end: RequestEnd): void {
      for (const listener of listeners) listener(end)
    }

    function watch(request: FastifyRequest, reply: FastifyReply): void {
      request.isWatched = true
      const { raw } = reply
      let isFinished = false
      const onClose = () => {
        const refused = raw.headersSent ? undefined : refusals.get(raw)
        report({
          requestId: request.id,
          method: request.method,
          url: request.url,
          route: request.routeOptions.url ?? null,
          status: raw.headersSent ? raw.statusCode : (refused ?? CLIENT_CLOSED_REQUEST),
          durationMs: reply.elapsedTime,
          mayWait: request.routeOptions.config.mayWait ?? false,
          // Requests rejected before any hook runs have no decorators.
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
    app.decorate('requestLog', {
      onEnd: (listener) => listeners.push(listener),
      watch,
      report,
      reportRefusal({ status, requestId, response }) {
        if (response) refusals.set(response, status)
        else report({ ...UNREAD, requestId, status })
      },
      watchRequest(request, reply, done) {
        watch(request, reply)
        done()
      },
      watchRefused(request, reply, _payload, done) {
        if (!request.isWatched) watch(request, reply)
        done()
      }
    })
    app.addHook('onClose', () => logStream.flushAll())
  },
  { name: 'request-log' }
)
