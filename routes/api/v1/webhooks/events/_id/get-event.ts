import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../../schemas/problem.ts'
import { Ref } from '../../../../../../schemas/types.ts'
import { StoredWebhookEventDetails, StoredWebhookEventParams } from '../../../../../../schemas/webhook-inbox.ts'

/** `GET /api/v1/webhooks/events/{id}` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { webhookInbox } = app

  app.get(
    '',
    {
      config: { access: 'webhooks:admin' },
      schema: {
        operationId: 'getWebhookEvent',
        summary: 'Get one event, with its body and its attempts',
        tags: ['Webhooks'],
        params: StoredWebhookEventParams,
        response: {
          200: {
            description: 'The event.',
            content: { 'application/json': { schema: Ref(StoredWebhookEventDetails) } }
          },
          400: problemResponse('The id is not the number of an event.'),
          404: problemResponse('There is no such event, or it is no longer kept.'),
          503: problemResponse('The database is unavailable. Retry after `Retry-After` seconds.')
        }
      }
    },
    ({ params }) => webhookInbox.find(params.id)
  )
}

export default route
