import type { RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { HANDLER_TIMEOUT_MS } from '../../src/config/limits.ts'

/**
 * What follows from the configuration of a route (`src/edge/route-config.ts`), once, when it is declared. A route that
 * does not say who may use it keeps the application from starting: none is open by accident.
 */
export default fp(
  async (app) => {
    const routes: RouteOptions[] = []
    app.addHook('onRoute', (route) => {
      const { config } = route
      routes.push(route)
      if (!config?.isBounded) route.handlerTimeout ??= HANDLER_TIMEOUT_MS
      // @fastify/under-pressure calls this in place of its 503, so the request goes on.
      if (config?.limits === 'exempt') config.pressureHandler = () => {}
    })
    app.addHook('onReady', async () => {
      const silent = routes.filter(({ config }) => config?.access === undefined)
      if (silent.length === 0) return
      throw new Error(`Routes without config.access: ${silent.map(({ method, url }) => `${method} ${url}`).join(', ')}`)
    })
  },
  { name: 'route-rules' }
)
