import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import {
  type AccessNeed,
  type ApiKey,
  authorise,
  createAccessError,
  needOf,
  type RefusalReason,
  readPresentedKey
} from '../../src/edge/auth/access.ts'
import { hasKeyInUrl } from '../../src/edge/auth/key-format.ts'
import { createKeyUsage } from '../../src/edge/auth/key-usage.ts'
import { createKeyVerifier, findKey, REVISION_TIMEOUT_MS, readRevision } from '../../src/edge/auth/verify-keys.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

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
    const { database, metrics, rateLimiter } = app
    const lookUps = metrics.counter({
      name: 'aisle_key_lookups_total',
      help: 'API keys looked up in MySQL.'
    })
    // Behind a busy pool it would be read too late, and every key would be looked up.
    const revisions = app.openConnection(REVISION_TIMEOUT_MS)
    const availability = createOutageLog('The revision of the API keys', app.log)
    const verifier = createKeyVerifier({
      find(hash) {
        lookUps.inc()
        return findKey(database, hash)
      },
      readRevision: () => readRevision(revisions),
      nowMs: () => performance.now(),
      onFailure: availability.down,
      onSuccess: availability.up
    })
    const usage = createKeyUsage({
      database,
      nowMs: Date.now,
      onFailure: (error) => app.log.warn({ err: error }, 'the last use of API keys could not be written')
    })
    app.addHook('onClose', async () => {
      verifier.stop()
      await usage.flush()
    })
    const isReadingPublic = app.config.auth.publicRead
    const refusals = metrics.counter({
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
        const known = verifier.cached(key)
        if (known !== undefined) return settle(request, need, known, refusalOf(known), done)
        lookUp(request, key, need).then((found) => settle(request, need, found, refusalOf(found), done), done)
      },
      authorise: (request, _reply, done) => done(request.refusal ?? undefined)
    })

    /** Limits the statements that a client can cause with made-up keys. */
    async function lookUp(request: FastifyRequest, key: string, need: AccessNeed): Promise<ApiKey | null> {
      if (!verifier.wasValid(key)) await takeLookUp(request)
      return await (need === 'nothing' ? verifier.identify(key) : verifier.verify(key))
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
        usage.record(key)
      }
      const reason = refused ?? authorise(need, key)
      if (reason !== null) {
        refusals.inc({ reason })
        request.refusal = createAccessError(reason, need)
      }
      done()
    }
  },
  { name: 'auth', dependencies: ['metrics', 'mysql', 'rate-limit', 'request-log'] }
)

function refusalOf(found: ApiKey | null): RefusalReason | null {
  return found === null ? 'unknown' : null
}
