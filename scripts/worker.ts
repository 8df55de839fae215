import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { pino } from 'pino'
import { loadConfig } from '../src/config.ts'
import { createDatabase } from '../src/database/database.ts'
import { migrate } from '../src/database/migrate.ts'
import { openPool } from '../src/database/pool.ts'
import { openLogStream } from '../src/logging/log-stream.ts'
import { redact } from '../src/logging/redaction.ts'
import { logWork } from '../src/webhooks/log-work.ts'
import { WORKER_TIMEOUT_MS, webhookWorker } from '../src/webhooks/webhook-worker.ts'
import { interruption } from './interruption.ts'
import { runCommand } from './run-command.ts'

await runCommand(async ({ env, isPrivate }) => {
  const interrupted = interruption()
  const config = loadConfig(env)
  if (isPrivate) await migrate(config.mysql)
  const logStream = await openLogStream(config.log)
  const log = pino({ level: config.log.level, redact }, logStream)

  const limits = { connectionLimit: 1, queueLimit: 1, queryTimeoutMs: WORKER_TIMEOUT_MS }
  const pool = openPool(config.mysql, limits)
  const worker = webhookWorker({
    database: createDatabase(pool, limits),
    nowMs: Date.now,
    randomBytes,
    random: Math.random,
    // The services read the change log.
    onApplied: ({ settled }) => log.debug(`${settled.length} webhooks applied`),
    ...logWork(log)
  })
  log.info('applying webhooks')
  if (!interrupted.aborted) await once(interrupted, 'abort')
  log.info('stopping')
  await worker.stop()
  pool.end()
  await logStream.flushAll()
})
