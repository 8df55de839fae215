import { once } from 'node:events'
import { pino } from 'pino'
import { openWebhookWorker, WORKER_QUERY_TIMEOUT_MS } from '../src/integrations/webhooks/process/webhook-worker.ts'
import { createDatabase } from '../src/platform/database/database.ts'
import { openPool } from '../src/platform/database/pool.ts'
import { openLogStream } from '../src/platform/logging/log-stream.ts'
import { redact } from '../src/platform/logging/redaction.ts'
import { createMetrics } from '../src/platform/metrics/metrics.ts'
import { printHelp } from './command-line.ts'
import { createInterruptSignal } from './interrupt-signal.ts'
import { runOnCatalogue } from './run-command.ts'

const USAGE = `npm run worker

Applies received webhooks until Ctrl-C or SIGTERM: a process of its own for services with WEBHOOK_WORKER=false.`

printHelp(USAGE)
const interrupted = createInterruptSignal()

await runOnCatalogue(async (config) => {
  const logStream = await openLogStream(config.log)
  const log = pino({ level: config.log.level, redact }, logStream)

  const limits = { connectionLimit: 1, queueLimit: 1, queryTimeoutMs: WORKER_QUERY_TIMEOUT_MS }
  const pool = openPool(config.mysql, limits)
  const worker = openWebhookWorker({
    database: createDatabase(pool, limits),
    log,
    // This command has no endpoint that shows them.
    metrics: createMetrics(),
    // The services learn of changes from the change log.
    onApplied: ({ settled }) => log.debug(`${settled.length} webhooks applied`)
  })
  log.info('applying webhooks')
  if (!interrupted.aborted) await once(interrupted, 'abort')
  log.info('stopping')
  await worker.stop()
  pool.end()
  await logStream.flushAll()
})
