import fp from 'fastify-plugin'
import { withoutKeys } from '../../src/edge/auth/key-in-url.ts'
import { createAccessLog } from '../../src/platform/logging/access-log.ts'

/** One line for each request. */
export default fp(
  async (app) => {
    const { logStream } = app
    app.requestEnds.listen(createAccessLog({ stream: logStream, level: app.config.log.level, withoutKeys }))
    app.addHook('onClose', () => logStream.flushAll())
  },
  { name: 'access-log', dependencies: ['request-end'] }
)
