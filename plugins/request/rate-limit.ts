import fp from 'fastify-plugin'
import type { RouteClass } from '../../src/edge/rate-limit/accounts.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What its requests are counted as; `other` where it does not say. */
    limits?: Exclude<RouteClass, 'key-lookup'> | 'exempt'
  }
}

/** Counts each request, unknown routes included, and refuses those beyond the limit of their client. */
export default fp(
  async (app) => {
    const { quotas } = app
    app.addHook('onRequest', (request, _reply, done) => {
      const limits = request.route?.config.limits ?? 'other'
      if (limits === 'exempt') done()
      else quotas.take(request, limits, done)
    })
  },
  { name: 'rate-limit', dependencies: ['auth', 'quotas', 'response-headers'] }
)
