import fastifyMysql, { type MySQLPool } from '@fastify/mysql'
import fp from 'fastify-plugin'
import { createPool } from 'mysql2'
import { createDatabase, type Database } from '../src/database/database.ts'
import { openPool, setUpPool } from '../src/database/pool.ts'
import { availabilityLog } from '../src/health/availability-log.ts'

const BOOT_TIMEOUT_MS = 1500

declare module 'fastify' {
  interface FastifyInstance {
    mysql: Pick<MySQLPool, 'pool'>
    database: Database
    /** A connection beside the pool, for what must not wait behind requests. It is closed with the application. */
    openConnection(queryTimeoutMs: number): Database
  }
}

/** `mysql`, the pool, `database`, the same behind bounds, and `openConnection`. */
export default fp(
  async (app) => {
    const config = app.config.mysql
    const { options, tend, hangUpAll } = setUpPool(config, config)
    const availability = availabilityLog('MySQL', app.log)

    // The package asks something at boot, and waits for the answer without a limit. The service boots without one, and
    // connects when MySQL is there.
    const limit = setTimeout(hangUpAll, BOOT_TIMEOUT_MS)
    await app.register(fastifyMysql, { ...options }).after((error) => {
      if (!error) return
      availability.down(error)
      const pool = createPool(options)
      app.decorate('mysql', { pool })
      app.addHook('onClose', (_app, done) => pool.end(() => done()))
    })
    clearTimeout(limit)

    const { pool } = app.mysql
    // The connection that the package has opened is not prepared as ours are.
    hangUpAll()
    tend(pool)
    pool.on('connection', availability.up)
    app.decorate('database', createDatabase(pool, { ...config, onUnreachable: availability.down }))
    app.decorate('openConnection', (queryTimeoutMs) => {
      const limits = { connectionLimit: 1, queueLimit: 1, queryTimeoutMs }
      const own = openPool(config, limits)
      app.addHook('onClose', (_app, done) => own.end(() => done()))
      return createDatabase(own, limits)
    })
  },
  { name: 'mysql' }
)
