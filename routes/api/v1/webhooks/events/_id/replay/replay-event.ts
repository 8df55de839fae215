import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../../../schemas/problem.ts'
import { Ref } from '../../../../../../../schemas/types.ts'
import { StoredWebhookEventDetails, StoredWebhookEventParams } from '../../../../../../../schemas/webhook-inbox.ts'

/** `POST /api/v1/webhooks/events/{id}/replay` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { webhookInbox } = app

  app.post(
    '',
    {
      config: { access: 'webhooks:admin' },
      schema: {
        operationId: 'replayWebhookEvent',
        summary: 'Process an event again',
        description:
          'Processes an event again, whatever its status. Fields that were written later stay: the event has the effect of ' +
          'one that arrives late.',
        tags: ['Webhooks'],
        params: StoredWebhookEventParams,
        response: {
          200: {
            description: 'The event, pending again.',
            content: { 'application/json': { schema: Ref(StoredWebhookEventDetails) } }
          },
          400: problemResponse('The id is not the number of an event.'),
          404: problemResponse('There is no such event, or it is no longer kept.'),
          409: problemResponse('The event is still being processed, or its type has no effect.'),
          503: problemResponse('The database is unavailable. Retry after `Retry-After` seconds.')
        }
      }
    },
    ({ params }) => webhookInbox.replay(params.id)
  )
}

export default route
