import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { BulkAnswer, BulkBody } from '../../../../../schemas/bulk.ts'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { createBodyValidator } from '../../../../../src/platform/http/request-body.ts'

const NDJSON = 'application/x-ndjson'
const CONTENT_TYPES = [NDJSON, 'application/ndjson', 'application/jsonl']

/** `POST /api/v1/products/bulk`. Bodies are neither collected nor validated as a whole, but read as they come. */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { sendBulk } = app
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(CONTENT_TYPES, (_request, body, done) => done(null, body))
  const compile = createBodyValidator([])
  app.setValidatorCompiler<object>(({ schema, httpPart }) => (httpPart === 'body' ? isUnread : compile(schema)))

  app.post(
    '',
    {
      config: { access: 'products:write', limits: 'write', isBounded: true, mayWait: true },
      schema: {
        operationId: 'writeProducts',
        summary: 'Create, change and delete many products',
        description:
          'Each line of the body is a `BulkUpsert` or a `BulkDelete`. An invalid line does not stop the others. While the ' +
          'body arrives, lines are written in batches of up to 500, one transaction each. Every line gets a `BulkResult`, ' +
          'in the same order, as soon as its batch is committed. The last line is a `BulkEnd`. If it says that not all ' +
          'lines were processed, the line before it is a `BulkFailure`. Send lines without a result again; sending all of ' +
          'them again is safe too. If the connection breaks, each batch is written completely or not at all.',
        tags: ['Products'],
        body: {
          content: Object.fromEntries(CONTENT_TYPES.map((type) => [type, { schema: BulkBody }]))
        },
        response: {
          200: {
            description: 'A `BulkResult` for each line, and a `BulkEnd`.',
            content: { [NDJSON]: { schema: BulkAnswer } }
          },
          408: problemResponse('The client sent nothing for 30 seconds before the first result.'),
          415: problemResponse(
            'This route does not accept the content type, the charset or the content coding of the body.'
          ),
          503: problemResponse(
            'The database is unavailable, the service is stopping, or the maximum number of bulk requests is running ' +
              '(`overloaded`). Retry after `Retry-After` seconds.'
          )
        }
      }
    },
    sendBulk
  )
}

/** Lines are validated one by one while they are read. */
const isUnread = () => true

export default route
