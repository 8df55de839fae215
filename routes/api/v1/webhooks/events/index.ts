import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { Ref } from '../../../../../schemas/types.ts'
import { WebhookEvent, WebhookReceipt } from '../../../../../schemas/webhooks.ts'
import type { Receive } from '../../../../../src/integrations/webhooks/receive/receiver.ts'
import type { Rejection } from '../../../../../src/integrations/webhooks/receive/rejections.ts'
import { toAppError } from '../../../../../src/platform/errors/framework-errors.ts'
import { SignatureHeaders } from './signature-headers.ts'

interface Webhooks {
  receive: Receive
  noteRejection(reason: string, rejection: Rejection): void
}

const BODY_LIMIT_BYTES = 1_048_576
const NO_BODY = Buffer.alloc(0)

/** It is signed to the byte, so bytes it is; without a content type there may be none. */
const Signed = Type.Unsafe<Buffer | undefined>(Ref(WebhookEvent))

/** The folder is a boundary: within it, bodies are the bytes that came, and nothing is made of them before they are verified. */
const routes: FastifyPluginAsyncTypebox = async (app) => {
  const { receive, noteRejection } = app.getDecorator<Webhooks>('webhooks')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setValidatorCompiler(() => () => true)
  app.addHook('onError', async (request, _reply, error) => {
    const { code, message } = toAppError(error)
    noteRejection(code, {
      requestId: request.id,
      address: request.ip,
      userAgent: request.headers['user-agent'],
      contentLength: request.headers['content-length'],
      detail: message
    })
  })

  app.post(
    '',
    {
      config: { access: 'open', limits: 'webhook', isBounded: true },
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        operationId: 'receiveWebhookEvent',
        summary: 'Deliver an event',
        description:
          'Signed by one of three schemes. A 200 means that the event is recorded, once, however often it comes; it is ' +
          'processed afterwards, in the order of `occurredAt` for each field, whatever the order of deliveries. Deliver it ' +
          'again, with the same id, after anything but a 200.',
        tags: ['Webhooks'],
        headers: SignatureHeaders,
        body: Signed,
        response: {
          200: {
            description: 'It is recorded, or was before.',
            content: { 'application/json': { schema: Ref(WebhookReceipt) } }
          },
          400: problemResponse('It is signed, but no event: `errors` names each field; or the body is no JSON.'),
          401: problemResponse(
            'The signature is missing (`signature-missing`), not in its form (`signature-malformed`), of other bytes or by ' +
              'another secret (`signature-mismatch`), or of another time (`signature-expired`).'
          ),
          413: problemResponse('The body has more than 1 MiB.'),
          415: problemResponse('The body is not `application/json`, or comes in another charset or a content coding.'),
          503: problemResponse(
            'It could not be recorded within a second: deliver it again after `Retry-After` seconds. Or no secret is ' +
              'configured (`webhooks-disabled`).'
          )
        }
      }
    },
    (request) => receive(request.headers, request.body ?? NO_BODY)
  )
}

export default routes
