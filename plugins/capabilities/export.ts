import type { OutgoingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { createProductExports } from '../../src/catalogue/export/product-exports.ts'
import type { Filters } from '../../src/catalogue/listing/query/list-query.ts'
import { MAX_EXPORTS } from '../../src/config/limits.ts'
import { streamCodingOf } from '../../src/platform/http/content-coding.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Streams an export; for HEAD only its header fields. */
    sendExport(request: FastifyRequest, reply: FastifyReply, filters: Filters): Promise<void>
  }
}

/** Higher levels are much slower and save little. */
const GZIP_LEVEL = constants.Z_BEST_SPEED

/** `sendExport`. Exports that still run when the service has stopped accepting requests are cut. */
export default fp(
  async (app) => {
    const { database, metrics, responseHeaders } = app
    const { vary } = responseHeaders.constant
    const exported = metrics.counter({ name: 'aisle_exported_rows_total', help: 'Products written to exports.' })
    const exports = createProductExports({
      database,
      openSnapshot: app.snapshotOpener(MAX_EXPORTS),
      onRows: (count) => exported.inc(count)
    })
    metrics.gauge({
      name: 'aisle_exports_running',
      help: 'Exports that are running.',
      collect() {
        this.set(exports.running)
      }
    })
    app.addHook('preClose', async () => exports.close())

    // Past Fastify, which would send a problem on the same headers after an export that fails at its start.
    app.decorate('sendExport', async (request, reply, filters) => {
      const coding = streamCodingOf(request.headers['accept-encoding'])
      const { raw } = reply
      const lines = request.method === 'HEAD' ? null : await exports.start(filters)
      responseHeaders.write(request, reply)
      reply
        .header('cache-control', 'no-store')
        .header('content-type', 'application/x-ndjson; charset=utf-8')
        .header('vary', vary === undefined ? 'Accept-Encoding' : `Accept-Encoding, ${vary}`)
      if (coding !== 'identity') reply.header('content-encoding', coding)
      reply.hijack()
      // The client closed the connection meanwhile.
      if (raw.destroyed) return void lines?.destroy()
      raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
      if (lines === null) raw.end()
      else if (coding === 'gzip') pipeline(lines, createGzip({ level: GZIP_LEVEL }), raw, onEnd)
      else pipeline(lines, raw, onEnd)

      function onEnd(error: NodeJS.ErrnoException | null | undefined): void {
        if (error && error.code !== 'ERR_STREAM_PREMATURE_CLOSE')
          request.log.warn({ reqId: request.id, err: error }, 'export cut')
      }
    })
  },
  { name: 'export', dependencies: ['metrics', 'mysql', 'response-headers'] }
)
