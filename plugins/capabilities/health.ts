import fp from 'fastify-plugin'
import { requiredVersion, schemaVersion } from '../../src/platform/database/migrate.ts'
import { createHealthReport, type HealthReport } from '../../src/platform/health/health-report.ts'

declare module 'fastify' {
  interface FastifyInstance {
    health: HealthReport
  }
}

/** A check may continue after `down` was reported for it: a distant server is slow only until there is a connection. */
const CHECK_TIMEOUT_MS = 800

/**
 * `health`: the state of the dependencies. It has a connection of its own, so a busy pool does not look like a
 * dead server.
 */
export default fp(
  async (app) => {
    const database = app.openConnection(CHECK_TIMEOUT_MS)
    const report: HealthReport = createHealthReport({
      schemaVersion: () => schemaVersion(database),
      requiredVersion: await requiredVersion(),
      pingRedis: () => app.redis.ping(),
      supplierBreaker: app.supplier?.breaker
    })
    app.decorate('health', report)
  },
  { name: 'health', dependencies: ['mysql', 'redis', 'supplier'] }
)
