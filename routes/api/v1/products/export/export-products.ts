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
          'All products that pass the filters, as they are at one moment, ordered by `id`: each a line, as ' +
          '`GET /api/v1/products/{id}` has it. The last line tells how many there were, and the cursor with which ' +
          '`GET /api/v1/products/changes?since=` goes on: the export with the changes that follow is a complete copy. ' +
          'An export without that line is not complete: it was cut. Changes are of all products, so a filtered copy ' +
          'takes in those that pass its filters now, and drops the others.',
        tags: ['Products'],
        querystring: ProductExportQuery,
        response: {
          200: {
            description: 'The products, and the line that ends them. In gzip, where `Accept-Encoding` has it.',
            headers: { 'Cache-Control': { type: 'string', description: 'Not to be stored.' } },
            content: { 'application/x-ndjson': { schema: { type: 'string', examples: [exportExample] } } }
          },
          400: problemResponse('A parameter is wrong: `errors` names it.'),
          503: problemResponse(
            'The database does not answer, or `overloaded`: as many exports run as there may; try again after ' +
              '`Retry-After` seconds.'
          )
        }
      }
    },
    (request, reply) => sendExport(request, reply, parseFilters(request.query))
  )
}

export default route
