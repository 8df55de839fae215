import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { SignatureHeaders } from '../../../../../schemas/signature-headers.ts'
import { Ref } from '../../../../../schemas/types.ts'
import { WebhookEvent, WebhookReceipt } from '../../../../../schemas/webhooks.ts'
import { BODY_MAX_BYTES } from '../../../../../src/config/limits.ts'
import { toAppError } from '../../../../../src/platform/errors/framework-errors.ts'

const NO_BODY = Buffer.alloc(0)

/** The body is signed byte by byte, so it stays bytes. A request without a content type may have none. */
const Signed = Type.Unsafe<Buffer | undefined>(Ref(WebhookEvent))

/** `POST /api/v1/webhooks/events`. Nothing is made of the bytes of a body before its signature is verified. */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { receive, noteRejection } = app.webhooks
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setValidatorCompiler(() => () => true)

  app.post(
    '',
    {
      config: { access: 'open', limits: 'webhook', isBounded: true },
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        operationId: 'receiveWebhookEvent',
        summary: 'Deliver an event',
        description:
          'Sign the event with one of three schemes. A 200 means that the event is recorded, exactly once, however often ' +
          'it is delivered. It is processed afterwards, field by field in the order of `occurredAt`, whatever the order ' +
          'of deliveries. After any other response deliver it again with the same id.',
        tags: ['Webhooks'],
        headers: SignatureHeaders,
        body: Signed,
        response: {
          200: {
            description: 'The event is recorded, now or by an earlier delivery.',
            content: { 'application/json': { schema: Ref(WebhookReceipt) } }
          },
          400: problemResponse(
            'The signature is right, but the body is not JSON or not an event: `errors` names each field.'
          ),
          401: problemResponse(
            'The signature is missing (`signature-missing`), malformed (`signature-malformed`), for other bytes or made ' +
              'with another secret (`signature-mismatch`), or outside the time tolerance (`signature-expired`).'
          ),
          413: problemResponse('The body is larger than 1 MiB.'),
          415: problemResponse('The body is not `application/json`, or has another charset or a content coding.'),
          503: problemResponse(
            'The event could not be recorded within a second: deliver it again after `Retry-After` seconds. Or no secret ' +
              'is configured (`webhooks-disabled`).'
          )
        }
      },
      async onError(request, _reply, error) {
        const { code, message } = toAppError(error)
        noteRejection(code, {
          requestId: request.id,
          address: request.ip,
          userAgent: request.headers['user-agent'],
          contentLength: request.headers['content-length'],
          detail: message
        })
      }
    },
    (request) => receive(request.headers, request.body ?? NO_BODY)
  )
}

export default route
