import fastifyMysql, { type MySQLPool } from '@fastify/mysql'
import fp from 'fastify-plugin'
import { createPool, type PoolOptions } from 'mysql2'
import { connectionOptions, sessionStatement } from '../src/database/connection-options.ts'
import { createDatabase, type Database } from '../src/database/database.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mysql: Pick<MySQLPool, 'pool'>
    database: Database
  }
}

/** The pool, and `database`: the same behind bounds. */
export default fp(
  async (app) => {
    const config = app.config.mysql
    const options: PoolOptions = { ...connectionOptions(config), connectionLimit: config.connectionLimit }

    await app.register(fastifyMysql, { ...options }).after((error) => {
      if (!error) return
      // The package wants a server at boot. The service boots without one, and connects when it is there.
      app.log.warn({ err: error }, 'MySQL does not answer yet')
      const pool = createPool(options)
      app.decorate('mysql', { pool })
      app.addHook('onClose', (_app, done) => pool.end(() => done()))
    })

    const { pool } = app.mysql
    const prepareSession = sessionStatement(config.queryTimeoutMs)
    pool.on('connection', (connection) => connection.query(prepareSession, (error) => error && connection.destroy()))
    // The connection that the package has opened already.
    pool.query(prepareSession, (error) => error && app.log.debug({ err: error }, 'no connection to prepare'))
    app.decorate('database', createDatabase(pool, config))
  },
  { name: 'mysql' }
)
