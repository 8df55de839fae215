import type { RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Access } from '../../src/edge/auth/access.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route. */
    access?: Access
  }
}

/**
 * Refuses whoever may not use a route: before anything else is done for him, but counted. Every route says who may use
 * it, or the application does not start: none is open by accident.
 */
export default fp(
  async (app) => {
    app.addHook('onRequest', (request, _reply, done) => done(request.refusal ?? undefined))

    const routes: RouteOptions[] = []
    app.addHook('onRoute', (route) => {
      routes.push(route)
    })
    app.addHook('onReady', async () => {
      const silent = routes.filter(({ config }) => config?.access === undefined)
      if (silent.length === 0) return
      throw new Error(`Routes without config.access: ${silent.map(({ method, url }) => `${method} ${url}`).join(', ')}`)
    })
  },
  { name: 'route-access', dependencies: ['rate-limit', 'response-headers'] }
)
