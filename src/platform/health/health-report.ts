import type { Health } from '../../../schemas/health.ts'
import { HEALTH_CHECK_MAX_AGE_MS, HEALTH_CHECK_TIMEOUT_MS } from '../../config/limits.ts'
import { createDependencyCheck } from './dependency-check.ts'

export type HealthReport = () => Promise<Health>

/** A circuit breaker, as far as its health goes. */
interface Breaker {
  readonly state: 'closed' | 'open' | 'half-open'
  /** Whether calls fail fast now. */
  readonly isRefusing: boolean
}

interface Dependencies {
  /** Asks MySQL for the version of its schema. */
  schemaVersion: () => Promise<number>
  /** The version that this release needs. */
  requiredVersion: number
  pingRedis: () => Promise<unknown>
  /** Undefined where there is no supplier. */
  supplierBreaker: Breaker | undefined
}

/**
 * Answers the state of what the service depends on. MySQL and its schema are critical; without Redis it is slower, without
 * the supplier its stock is older.
 */
export function createHealthReport(dependencies: Dependencies): HealthReport {
  const { schemaVersion, requiredVersion, pingRedis, supplierBreaker } = dependencies
  const checkMysql = createDependencyCheck({
    probe: schemaVersion,
    timeoutMs: HEALTH_CHECK_TIMEOUT_MS,
    maxAgeMs: HEALTH_CHECK_MAX_AGE_MS
  })
  const checkRedis = createDependencyCheck({
    probe: pingRedis,
    timeoutMs: HEALTH_CHECK_TIMEOUT_MS,
    maxAgeMs: HEALTH_CHECK_MAX_AGE_MS
  })

  return async () => {
    const [{ value: version, ...mysql }, { value: _pong, ...redis }] = await Promise.all([checkMysql(), checkRedis()])
    const migrations = version === undefined ? 'unknown' : version >= requiredVersion ? 'ok' : 'pending'
    const supplier = supplierBreaker && supplierHealth(supplierBreaker)
    const isDown = mysql.status === 'down' || migrations !== 'ok'
    return {
      status: isDown ? 'down' : redis.status === 'down' || supplier?.status === 'down' ? 'degraded' : 'ok',
      checks: { mysql, redis, migrations: { status: migrations }, ...(supplier && { supplier }) }
    }
  }
}

/** As its last calls have shown: health asks nobody who is not ours. An open breaker lets calls through again, if there are any. */
function supplierHealth({ state, isRefusing }: Breaker) {
  return { status: isRefusing ? 'down' : 'ok', breaker: state } as const
}
