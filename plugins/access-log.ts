import fp from 'fastify-plugin'
import { accessLog } from '../src/logging/access-log.ts'

/** One line for each request. */
export default fp(
  async (app) => {
    const { logStream } = app
    app.requestEnds.listen(accessLog({ stream: logStream, level: app.config.log.level }))
    app.addHook('onClose', () => logStream.flushAll())
  },
  { name: 'access-log', dependencies: ['request-end'] }
)
