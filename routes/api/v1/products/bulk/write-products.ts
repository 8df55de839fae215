import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { BulkAnswer, BulkBody } from '../../../../../schemas/bulk.ts'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { createBodyValidator } from '../../../../../src/platform/http/json-body.ts'

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
          'Each line of the body is a `BulkUpsert` or a `BulkDelete`; a line that is wrong does not stop the others. ' +
          'Lines are written in batches of up to 500, each in one transaction, while the body comes, and each has its ' +
          '`BulkResult`, in the same order, as soon as its batch is written. The last line is a `BulkEnd`. Where it says ' +
          'that not all was done, the line before it is a `BulkFailure`; what has no result can be sent again, and so ' +
          'can everything: what is as it should be stays as it is. When the connection is cut, batches are there as a ' +
          'whole or not at all.',
        tags: ['Products'],
        body: {
          content: Object.fromEntries(CONTENT_TYPES.map((type) => [type, { schema: BulkBody }]))
        },
        response: {
          200: {
            description: 'What has become of each line: a `BulkResult` for each, and a `BulkEnd`.',
            content: { [NDJSON]: { schema: BulkAnswer } }
          },
          408: problemResponse('Nothing has come for 30 seconds, and there was no result yet.'),
          415: problemResponse('The body has another content type, charset or content coding than this route takes.'),
          503: problemResponse(
            'The database does not answer, the service stops, or as many bulks run as there may (`overloaded`); ' +
              'try again after `Retry-After` seconds.'
          )
        }
      }
    },
    sendBulk
  )
}

/** What it says is validated line by line. */
const isUnread = () => true

export default route
