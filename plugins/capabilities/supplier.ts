import fp from 'fastify-plugin'
import { openSupplier, SUPPLIER } from '../../src/integrations/supplier/open-supplier.ts'
import type { CircuitBreaker } from '../../src/integrations/upstream/circuit-breaker.ts'
import type { UpstreamClient } from '../../src/integrations/upstream/upstream-client.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The supplier's API; null when none is configured. */
    supplier: { client: UpstreamClient; breaker: CircuitBreaker } | null
  }
}

/** `supplier`: a client of the supplier's API, with access tokens when a provider of them is configured. */
export default fp(
  async (app) => {
    const { baseUrl, ...settings } = app.config.supplier
    if (baseUrl === null) {
      app.decorate('supplier', null)
      return
    }
    const breaker = app.breaker(SUPPLIER)
    const tokens = app.authToken ?? undefined
    const { client, close } = openSupplier({ baseUrl, settings, breaker, tokens, caller: 'service' })
    app.decorate('supplier', { client, breaker })
    app.addHook('onClose', close)
  },
  { name: 'supplier', dependencies: ['auth-token', 'breaker'] }
)
