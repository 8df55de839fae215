import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The parts of the handler have time limits of their own: it needs none, nor the timer that it would cost. */
    isBounded?: boolean
  }
}

const HANDLER_TIMEOUT_MS = 10_000

/** The longest time that a handler may take, on every route that is not bounded by its parts. */
export default fp(
  async (app) => {
    app.addHook('onRoute', (route) => {
      if (!route.config?.isBounded) route.handlerTimeout ??= HANDLER_TIMEOUT_MS
    })
  },
  { name: 'handler-timeout' }
)
