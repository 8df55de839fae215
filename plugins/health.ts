import fp from 'fastify-plugin'
import { createPool } from 'mysql2'
import { Health, Liveness } from '../schemas/health.ts'
import { connectionOptions } from '../src/database/connection-options.ts'
import { createDatabase } from '../src/database/database.ts'
import { requiredVersion } from '../src/database/migrate.ts'
import { schemaVersion } from '../src/database/schema-version.ts'
import { type HealthReport, healthReport } from '../src/health/health-report.ts'

const QUERY_TIMEOUT_MS = 300

/** `health`: the state of the dependencies. It has a connection of its own, so that a busy pool is not taken for a dead server. */
export default fp(
  async (app) => {
    for (const schema of [Health, Liveness]) app.addSchema(schema)
    const pool = createPool({
      ...connectionOptions(app.config.mysql),
      connectTimeout: QUERY_TIMEOUT_MS,
      connectionLimit: 1
    })
    const database = createDatabase(pool, { connectionLimit: 1, queueLimit: 1, queryTimeoutMs: QUERY_TIMEOUT_MS })
    const report: HealthReport = healthReport({
      schemaVersion: () => schemaVersion(database),
      requiredVersion: await requiredVersion(),
      pingRedis: () => app.redis.ping()
    })
    app.decorate('health', report)
    app.addHook('onClose', (_app, done) => pool.end(() => done()))
  },
  { name: 'health', dependencies: ['redis'] }
)
