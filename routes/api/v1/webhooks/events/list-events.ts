import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { Ref } from '../../../../../schemas/types.ts'
import { StoredWebhookEventPage, StoredWebhookEventsQuery } from '../../../../../schemas/webhook-inbox.ts'

/** `GET /api/v1/webhooks/events` */
const route: FastifyPluginAsyncTypebox = async (app) => {
  const { webhookInbox } = app

  app.get(
    '',
    {
      config: { access: 'webhooks:admin' },
      schema: {
        operationId: 'listWebhookEvents',
        summary: 'List received events',
        description: 'Newest first. Every page costs the same. Finished events are kept for a time.',
        tags: ['Webhooks'],
        querystring: StoredWebhookEventsQuery,
        response: {
          200: {
            description: 'A page of events, without their bodies.',
            content: { 'application/json': { schema: Ref(StoredWebhookEventPage) } }
          },
          400: problemResponse('A parameter is invalid; `errors` names it.'),
          503: problemResponse('The database is unavailable. Retry after `Retry-After` seconds.')
        }
      }
    },
    ({ query }) => webhookInbox.list(query)
  )
}

export default route
