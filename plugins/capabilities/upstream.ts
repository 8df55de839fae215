import fp from 'fastify-plugin'
import { Agent } from 'undici'
import { SUPPLIER_CONNECTIONS, SUPPLIER_MAX_WAITING } from '../../src/config/limits.ts'
import type { Authorizer } from '../../src/integrations/upstream/authorizer.ts'
import { createUpstreamClient, type UpstreamClient } from '../../src/integrations/upstream/upstream-client.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes a client of an upstream, with the circuit breaker of that name. To be called at registration. */
    openUpstream(name: string, baseUrl: string, authorizer?: Authorizer): UpstreamClient
  }
}

/** Of calls that have none of their own. */
const DEADLINE_MS = 10_000

/** `openUpstream`: clients of other services, on one pool of connections that is closed with the application. */
export default fp(
  async (app) => {
    const { attemptTimeoutMs, attempts, retryDelayMs } = app.config.supplier
    // Without HTTP/2: there a connection carries any number of calls, and the bound on connections bounds nothing.
    const dispatcher = new Agent({
      connections: SUPPLIER_CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: attemptTimeoutMs }
    })

    app.decorate('openUpstream', (name, baseUrl, authorizer) =>
      createUpstreamClient({
        baseUrl,
        dispatcher,
        breaker: app.breaker(name),
        authorizer,
        attemptTimeoutMs,
        attempts,
        retryDelayMs,
        deadlineMs: DEADLINE_MS,
        maxConcurrent: SUPPLIER_CONNECTIONS,
        maxWaiting: SUPPLIER_MAX_WAITING,
        nowMs: () => performance.now(),
        random: Math.random
      })
    )
    app.addHook('onClose', () => dispatcher.destroy())
  },
  { name: 'upstream', dependencies: ['breaker'] }
)
