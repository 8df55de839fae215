import fastifyMysql, { type MySQLPool } from '@fastify/mysql'
import fp from 'fastify-plugin'
import { createPool, type Pool } from 'mysql2'
import { createDatabase, type Database } from '../../src/platform/database/database.ts'
import { openPool, type PoolLimits, setUpPool } from '../../src/platform/database/pool.ts'
import { openSnapshot, type Snapshot } from '../../src/platform/database/snapshot.ts'
import { createOutageLog } from '../../src/platform/logging/outage-log.ts'

const BOOT_TIMEOUT_MS = 1500

declare module 'fastify' {
  interface FastifyInstance {
    mysql: Pick<MySQLPool, 'pool'>
    database: Database
    /** Connections beside the pool, one unless said, for what must not wait behind requests, nor requests behind it. They are closed with the application. */
    openConnection(queryTimeoutMs: number, connectionLimit?: number): Database
    /** Makes what opens snapshots, on connections of their own, that many at a time. They end with the application. */
    snapshotOpener(connectionLimit: number): () => Promise<Snapshot>
  }
}

/** `mysql`, the pool, `database`, the same behind bounds, `openConnection` and `snapshotOpener`. */
export default fp(
  async (app) => {
    const config = app.config.mysql
    const { options, prepare, hangUpAll } = setUpPool(config, config)
    const availability = createOutageLog('MySQL', app.log)

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
    prepare(pool)
    pool.on('connection', availability.up)
    app.decorate('database', createDatabase(pool, { ...config, onUnreachable: availability.down }))
    app.decorate('openConnection', (queryTimeoutMs, connectionLimit = 1) => {
      const limits = { connectionLimit, queueLimit: connectionLimit, queryTimeoutMs }
      return createDatabase(openOwnPool(limits), limits)
    })
    app.decorate('snapshotOpener', (connectionLimit) => {
      const { queryTimeoutMs } = config
      const own = openOwnPool({ connectionLimit, queryTimeoutMs })
      return () => openSnapshot(own, queryTimeoutMs)
    })

    function openOwnPool(limits: PoolLimits): Pool {
      const own = openPool(config, limits)
      app.addHook('onClose', (_app, done) => own.end(() => done()))
      return own
    }
  },
  { name: 'mysql' }
)
