import fp from 'fastify-plugin'
import { createTokenAuthorizer } from '../../src/integrations/oauth/token-authorizer.ts'
import type { CircuitBreaker } from '../../src/integrations/upstream/circuit-breaker.ts'
import type { UpstreamClient } from '../../src/integrations/upstream/upstream-client.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Null where none is configured. */
    supplier: { client: UpstreamClient; breaker: CircuitBreaker } | null
  }
}

const NAME = 'Supplier'

/** `supplier`: the supplier's API, with access tokens where a provider of them is configured. */
export default fp(
  async (app) => {
    const { baseUrl } = app.config.supplier
    const authorizer = app.authToken === null ? undefined : createTokenAuthorizer(app.authToken)
    app.decorate(
      'supplier',
      baseUrl === null ? null : { client: app.openUpstream(NAME, baseUrl, authorizer), breaker: app.breaker(NAME) }
    )
  },
  { name: 'supplier', dependencies: ['auth-token', 'breaker', 'upstream'] }
)
