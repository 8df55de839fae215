import fp from 'fastify-plugin'
import { createDatabase, type Database } from '../src/database/database.ts'
import { openPool } from '../src/database/pool.ts'
import { availabilityLog } from '../src/health/availability-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    database: Database
  }
}

/**
 * `database`: MySQL behind bounds. The service boots without MySQL, and connects when it is there. @fastify/mysql would
 * wait at boot for an answer to a query of its own, without a time limit.
 */
export default fp(
  async (app) => {
    const config = app.config.mysql
    const availability = availabilityLog('MySQL', app.log)
    const { pool, close } = openPool(config, config)
    pool.on('connection', availability.up)
    const database = createDatabase(pool, { ...config, onUnreachable: availability.down })
    // A wrong password is to be read in the log now, and not at the first request.
    database.execute('SELECT 1', []).catch((error) => app.log.debug({ err: error }, 'no connection yet'))

    app.decorate('database', database)
    app.addHook('onClose', async () => close())
  },
  { name: 'mysql' }
)
