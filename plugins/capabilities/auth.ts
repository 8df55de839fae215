import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import {
  type AccessNeed,
  type ApiKey,
  authorise,
  createAccessError,
  needOf,
  type RefusalReason
} from '../../src/edge/auth/access.ts'
import { hasKeyInUrl } from '../../src/edge/auth/key-in-url.ts'
import { readPresentedKey } from '../../src/edge/auth/presented-key.ts'

declare module 'fastify' {
  interface FastifyInstance {
    auth: {
      /** Hook: finds the API key of a request, and whether it may use the route. Refuses nothing yet: every request counts. */
      identifyCaller: onRequestHookHandler
      /** Hook: refuses a request that may not use its route, after it was counted. */
      authorise: onRequestHookHandler
    }
  }
  interface FastifyRequest {
    /** The route options, which Fastify builds anew at each access; null before any hook has run. */
    route: FastifyRequest['routeOptions'] | null
    /** The valid API key that came with the request. */
    apiKey: ApiKey | null
    /** Why the request may not use its route. */
    refusal: Error | null
  }
}

/** `auth`: whose request it is, and whether it may use the route. */
export default fp(
  async (app) => {
    const { apiKeys, rateLimiter } = app
    const isReadingPublic = app.config.auth.publicRead
    const refusals = app.metrics.counter({
      name: 'aisle_key_refusals_total',
      help: 'Requests refused because of their API key, by reason: missing, malformed, scheme (not Bearer), conflict (two different keys), unknown, scope (not sufficient), url (a key in the URL).',
      labelNames: ['reason']
    })

    app.decorateRequest('route', null).decorateRequest('apiKey', null).decorateRequest('refusal', null)
    app.decorate('auth', {
      identifyCaller(request, _reply, done) {
        const route = request.routeOptions
        request.route = route
        const { access } = route.config
        const need = needOf(access, isReadingPublic)
        if (hasKeyInUrl(request.url)) return settle(request, need, null, 'url', done)
        if (access === 'open') return done()
        const { key, refusal } = readPresentedKey(request.raw.headers)
        if (key === null) return settle(request, need, null, refusal, done)
        const known = apiKeys.verifier.cached(key)
        if (known !== undefined) return settle(request, need, known, refusalOf(known), done)
        lookUp(request, key, need).then((found) => settle(request, need, found, refusalOf(found), done), done)
      },
      authorise: (request, _reply, done) => done(request.refusal ?? undefined)
    })

    /** Limits the statements that a client can cause with made-up keys. */
    async function lookUp(request: FastifyRequest, key: string, need: AccessNeed): Promise<ApiKey | null> {
      if (!apiKeys.verifier.wasValid(key)) await takeLookUp(request)
      return await (need === 'nothing' ? apiKeys.verifier.identify(key) : apiKeys.verifier.verify(key))
    }

    function takeLookUp(request: FastifyRequest): Promise<void> {
      return new Promise((resolve, reject) => {
        rateLimiter.take(request, 'key-lookup', (error) => (error === undefined ? resolve() : reject(error)))
      })
    }

    function settle(
      request: FastifyRequest,
      need: AccessNeed,
      key: ApiKey | null,
      refused: RefusalReason | null,
      done: () => void
    ): void {
      if (key !== null) {
        request.apiKey = key
        request.keyId = key.id
        apiKeys.usage.record(key)
      }
      const reason = refused ?? authorise(need, key)
      if (reason !== null) {
        refusals.inc({ reason })
        request.refusal = createAccessError(reason, need)
      }
      done()
    }
  },
  { name: 'auth', dependencies: ['api-keys', 'metrics', 'rate-limit', 'request-log'] }
)

function refusalOf(found: ApiKey | null): RefusalReason | null {
  return found === null ? 'unknown' : null
}
