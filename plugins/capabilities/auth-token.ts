import fp from 'fastify-plugin'
import { addTokenMetrics, openTokens } from '../../src/integrations/oauth/open-tokens.ts'
import type { TokenManager } from '../../src/integrations/oauth/token-manager.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Access tokens for the supplier; null when no provider is configured. */
    authToken: TokenManager | null
  }
}

/** `authToken`: OAuth 2.0 access tokens, shared by all instances. */
export default fp(
  async (app) => {
    const { oauth: credentials } = app.config
    if (credentials === null) {
      app.decorate('authToken', null)
      return
    }
    const { up, down } = createOutageLog('The token provider', app.log)
    const measure = addTokenMetrics(app.metrics, () => tokens.ageMs)
    const { tokens, close } = openTokens({
      credentials,
      redis: app.redis,
      guard: app.guardRedis('The access token in Redis'),
      onFetch(fetch) {
        measure(fetch)
        if (fetch.outcome === 'issued') up()
        else down(fetch.error)
      }
    })
    app.decorate('authToken', tokens)
    app.addHook('onClose', close)
  },
  { name: 'auth-token', dependencies: ['metrics', 'redis'] }
)
