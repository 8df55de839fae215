import underPressure from '@fastify/under-pressure'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What to do instead of refusing: a function that does nothing exempts the route. */
    pressureHandler?: () => void
  }
}

const MAX_EVENT_LOOP_DELAY_MS = 1000
const RETRY_AFTER_SECONDS = 1

/** Refuses requests with 503 while the event loop is blocked; after the hot lane, whose answers cost less than a refusal. */
export default fp(
  async (app) => {
    await app.register(underPressure, {
      maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
      // Not shorter: a sample without a single measurement counts as an endless delay.
      sampleInterval: MAX_EVENT_LOOP_DELAY_MS,
      retryAfter: RETRY_AFTER_SECONDS
    })
  },
  { name: 'pressure', dependencies: ['answers', 'response-headers'] }
)
