import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../../schemas/problem.ts'
import { Ref } from '../../../../../../schemas/types.ts'
import { WebhookReplay, WebhookReplayResult } from '../../../../../../schemas/webhook-inbox.ts'

const BODY_LIMIT_BYTES = 4096
/** Well within the time limit of a handler. */
const REPLAY_TIMEOUT_MS = 5000

/** `POST /api/v1/webhooks/events/replay` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { webhookInbox } = app
  app.takeJson({ limitBytes: BODY_LIMIT_BYTES })

  app.post(
    '',
    {
      config: { access: 'webhooks:admin' },
      schema: {
        operationId: 'replayDeadWebhookEvents',
        summary: 'Process all dead events of a type again',
        tags: ['Webhooks'],
        body: Ref(WebhookReplay),
        response: {
          200: {
            description: 'How many events are pending again.',
            content: { 'application/json': { schema: Ref(WebhookReplayResult) } }
          },
          400: problemResponse('The body is not JSON, or a field is invalid: `errors` names each.'),
          413: problemResponse('The body is larger than 4 KiB.'),
          415: problemResponse('The body is not `application/json`, or has another charset or a content coding.'),
          503: problemResponse('The database is unavailable. Retry after `Retry-After` seconds.')
        }
      }
    },
    ({ body }) => webhookInbox.replayDead(body.type, AbortSignal.timeout(REPLAY_TIMEOUT_MS))
  )
}

export default route
