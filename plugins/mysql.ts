import fastifyMysql, { type MySQLPool } from '@fastify/mysql'
import fp from 'fastify-plugin'
import { createPool } from 'mysql2'
import { createDatabase, type Database } from '../src/database/database.ts'
import { hangUp, poolOptions, tendPool } from '../src/database/pool.ts'
import { availabilityLog } from '../src/health/availability-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mysql: Pick<MySQLPool, 'pool'>
    database: Database
  }
}

/** `mysql`, the pool, and `database`, the same behind bounds. */
export default fp(
  async (app) => {
    const config = app.config.mysql
    const options = poolOptions(config, config)
    const availability = availabilityLog('MySQL', app.log)

    // The package wants an answer at boot. The service boots without one, and connects when MySQL is there.
    await app.register(fastifyMysql, { ...options }).after((error) => {
      if (!error) return
      availability.down(error)
      const pool = createPool(options)
      app.decorate('mysql', { pool })
      app.addHook('onClose', (_app, done) => pool.end(() => done()))
    })

    const { pool } = app.mysql
    tendPool(pool, config)
    pool.on('connection', availability.up)
    // What the package has opened for its question is not prepared as ours are.
    pool.getConnection((error, connection) => error ?? hangUp(connection))

    app.decorate('database', createDatabase(pool, { ...config, onUnreachable: availability.down }))
  },
  { name: 'mysql' }
)
