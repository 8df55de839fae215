import type { Health } from '../../../schemas/health.ts'
import { HEALTH_CHECK_MAX_AGE_MS, HEALTH_CHECK_TIMEOUT_MS } from '../../config/limits.ts'
import type { StartTimeout } from '../lib/time-limit.ts'
import { createDependencyCheck } from './dependency-check.ts'

/** Reports the state of the service and its dependencies. */
export type HealthReport = () => Promise<Health>

/** The part of a circuit breaker that health is about. */
interface Breaker {
  readonly state: 'closed' | 'open' | 'half-open'
  /** Whether calls are refused now. */
  readonly isRefusing: boolean
}

interface Dependencies {
  /** Reads the version of the schema in MySQL. */
  schemaVersion: () => Promise<number>
  /** The version of the schema that this release needs. */
  requiredVersion: number
  pingRedis: () => Promise<unknown>
  /** Undefined when no supplier is configured. */
  supplierBreaker: Breaker | undefined
  /** A monotonic clock, in ms. */
  nowMs?: () => number
  /** Starts the time limit of a check. */
  start?: StartTimeout
}

/**
 * Makes the report of the service's health: `down` without MySQL or its current schema, `degraded` without Redis (slower)
 * or the supplier (older stock), `ok` otherwise.
 */
export function createHealthReport(dependencies: Dependencies): HealthReport {
  const { schemaVersion, requiredVersion, pingRedis, supplierBreaker, nowMs, start } = dependencies
  const limits = { timeoutMs: HEALTH_CHECK_TIMEOUT_MS, maxAgeMs: HEALTH_CHECK_MAX_AGE_MS, nowMs, start }
  const checkMysql = createDependencyCheck({ probe: schemaVersion, ...limits })
  const checkRedis = createDependencyCheck({ probe: pingRedis, ...limits })

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

/** The health of the supplier is what recent calls have shown: a health check does not call other companies' systems. */
function supplierHealth({ state, isRefusing }: Breaker) {
  return { status: isRefusing ? 'down' : 'ok', breaker: state } as const
}
