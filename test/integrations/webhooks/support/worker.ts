import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { Config } from '../../../../src/config/config.ts'
import { openWebhookWorker, type WebhookWorker } from '../../../../src/integrations/webhooks/process/webhook-worker.ts'
import { createDatabase, type Database } from '../../../../src/platform/database/database.ts'
import { openPool } from '../../../../src/platform/database/pool.ts'

const LIMITS = { connectionLimit: 1, queueLimit: 1, queryTimeoutMs: 20_000 }

/** A connection as a worker has it, closed with the test. */
export function workerDatabase(t: Test, config: Config): Database {
  const pool = openPool(config.mysql, LIMITS)
  t.teardown(() => pool.end(() => {}))
  return createDatabase(pool, LIMITS)
}

export interface RunningWorker extends WebhookWorker {
  /** What it was told of attempts that failed, and of the database. */
  readonly errors: Error[]
}

/** A worker in this process, stopped with the test. */
export function startWorker(t: Test, config: Config, options: { minPauseMs?: number } = {}): RunningWorker {
  const errors: Error[] = []
  const worker = openWebhookWorker({
    database: workerDatabase(t, config),
    nowMs: Date.now,
    randomBytes,
    random: Math.random,
    onApplied: () => {},
    onAttemptFailed: (error) => errors.push(error),
    onFailure: (error) => errors.push(error),
    onSuccess: () => {},
    ...options
  })
  t.teardown(() => worker.stop())
  return { ...worker, errors }
}
