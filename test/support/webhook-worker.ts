import type { Test } from 'tap'
import type { Config } from '../../src/config/config.ts'
import { openWebhookWorker, type WebhookWorker } from '../../src/integrations/webhooks/process/webhook-worker.ts'
import { createDatabase, type Database } from '../../src/platform/database/database.ts'
import { openPool } from '../../src/platform/database/pool.ts'
import { createMetrics } from '../../src/platform/metrics/metrics.ts'

const LIMITS = { connectionLimit: 1, queueLimit: 1, queryTimeoutMs: 20_000 }

/** Opens a database with a single connection, as a worker has it. It is closed at the end of the test. */
export function workerDatabase(t: Test, config: Config): Database {
  const pool = openPool(config.mysql, LIMITS)
  t.teardown(() => pool.end(() => {}))
  return createDatabase(pool, LIMITS)
}

export interface RunningWorker extends WebhookWorker {
  /** The errors that it has logged. */
  readonly errors: unknown[]
}

type Clocks = Pick<Parameters<typeof openWebhookWorker>[0], 'monotonicMs' | 'startTimeout'>

/** Opens a worker in this process. It is stopped at the end of the test. */
export function startWorker(t: Test, config: Config, clocks: Clocks = {}): RunningWorker {
  const errors: unknown[] = []
  const worker = openWebhookWorker({
    database: workerDatabase(t, config),
    log: {
      info() {},
      warn(details) {
        errors.push('err' in details ? details.err : details)
      }
    },
    metrics: createMetrics(),
    onApplied() {},
    ...clocks
  })
  t.teardown(() => worker.stop())
  return { ...worker, errors }
}
