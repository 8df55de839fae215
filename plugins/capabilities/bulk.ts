import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { BULK_STATUSES } from '../../schemas/bulk.ts'
import { createBulkWriter } from '../../src/catalogue/bulk/bulk-writer.ts'
import { BULK_STALL_TIMEOUT_MS, MAX_BULKS } from '../../src/config/limits.ts'
import { AppError } from '../../src/platform/errors/app-error.ts'
import { discardRest, requirePlainUtf8 } from '../../src/platform/http/request-body.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Writes the products of the body as they arrive, and streams one result per line. */
    sendBulk(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>
  }
}

/** A transaction of 500 rows may take longer than a request of one row. */
const BATCH_TIMEOUT_MS = 10_000

/** `sendBulk`. When the service begins to stop, bulk requests end between two batches. */
export default fp(
  async (app) => {
    const { bodyTimeout, log, metrics } = app
    const { changeLog } = app
    const lines = metrics.counter({
      name: 'aisle_bulk_lines_total',
      help: 'Lines of bulk requests, by result: created, updated, unchanged, deleted, absent, refused.',
      labelNames: ['status']
    })
    for (const status of BULK_STATUSES) lines.inc({ status }, 0)
    const writer = createBulkWriter({
      database: app.openConnection(BATCH_TIMEOUT_MS, MAX_BULKS),
      folder: tmpdir(),
      nowMs: Date.now,
      randomBytes,
      onResults(results) {
        for (const { status } of results) lines.inc({ status })
      },
      onUnexpected: (error, reqId) => log.error({ reqId, err: error }, 'unexpected error')
    })
    metrics.gauge({
      name: 'aisle_bulk_running',
      help: 'Bulk requests that are running.',
      collect() {
        this.set(writer.running)
      }
    })
    app.lifecycle.onDraining(writer.close)
    app.addHook('preClose', async () => writer.close())

    app.decorate('sendBulk', async (request, reply) => {
      requirePlainUtf8(request.headers)
      const { id, keyId, url, raw: body } = request
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort(new AppError('malformed-request', 'The client closed the connection.')))
      const onCommitted = async (productIds: string[]) => {
        changeLog.index.markWritten(productIds)
        await changeLog.tail.readNow()
        if (keyId !== null) changeLog.readYourWrites.record(keyId)
      }
      bodyTimeout.lift(body)
      reply.raw.setTimeout(BULK_STALL_TIMEOUT_MS)
      discardRest(body, reply.raw)
      const answer = await writer.start({ id, url, client: keyId, body, signal: gone.signal, onCommitted })
      return reply.type('application/x-ndjson; charset=utf-8').send(answer)
    })
  },
  { name: 'bulk', dependencies: ['body-timeout', 'change-log', 'lifecycle', 'metrics', 'mysql'] }
)
