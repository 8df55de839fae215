import fp from 'fastify-plugin'
import { BODY_TIMEOUT_MS } from '../../src/config/limits.ts'
import { type BodyTimeout, limitBodies } from '../../src/platform/http/request-body.ts'

declare module 'fastify' {
  interface FastifyInstance {
    bodyTimeout: BodyTimeout
  }
}

/** `bodyTimeout`: the longest time that a body may take, on every path but where it is lifted. */
export default fp(async (app) => void app.decorate('bodyTimeout', limitBodies(app.server, BODY_TIMEOUT_MS)), {
  name: 'body-timeout'
})
