import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { exportExample, ProductExportQuery } from '../../../../../schemas/export.ts'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { parseFilters } from '../../../../../src/catalogue/listing/query/list-query.ts'

/** `GET /api/v1/products/export` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { sendExport } = app

  app.get(
    '',
    {
      config: { access: 'any-key', limits: 'list', isBounded: true, mayWait: true },
      schema: {
        operationId: 'exportProducts',
        summary: 'Export products',
        description:
          'All products that match the filters, as of one moment, ordered by `id`, one per line, as in ' +
          '`GET /api/v1/products/{id}`. The last line has the number of products and the cursor with which ' +
          '`GET /api/v1/products/changes?since=` continues: the export plus the changes that follow is a complete copy. ' +
          'An export without that line was cut off. The change feed is not filtered: to keep a filtered copy, keep each ' +
          'changed product that matches your filters and drop the others.',
        tags: ['Products'],
        querystring: ProductExportQuery,
        response: {
          200: {
            description: 'The products and the last line. Compressed with gzip if `Accept-Encoding` allows it.',
            headers: { 'Cache-Control': { type: 'string', description: '`no-store`.' } },
            content: { 'application/x-ndjson': { schema: { type: 'string', examples: [exportExample] } } }
          },
          400: problemResponse('A parameter is invalid; `errors` names it.'),
          503: problemResponse(
            'The database is unavailable, or the maximum number of exports is running (`overloaded`). Retry after ' +
              '`Retry-After` seconds.'
          )
        }
      }
    },
    (request, reply) => sendExport(request, reply, parseFilters(request.query))
  )
}

export default route
