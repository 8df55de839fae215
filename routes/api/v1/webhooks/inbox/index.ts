import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problemResponse } from '../../../../../schemas/problem.ts'
import { Ref } from '../../../../../schemas/types.ts'
import {
  StoredWebhookEventDetails,
  StoredWebhookEventPage,
  StoredWebhookEventParams,
  StoredWebhookEventsQuery,
  WebhookReplay,
  WebhookReplayResult
} from '../../../../../schemas/webhook-inbox.ts'
import { createBodyValidator } from '../../../../../src/platform/http/body-validator.ts'
import { readJson } from '../../../../../src/platform/http/read-json.ts'

/** The paths are those of the receiver. The folder is a boundary: what is allowed here, a key must allow. */
export const autoPrefix = '/api/v1/webhooks/events'

interface WebhookInbox {
  list(query: StoredWebhookEventsQuery): Promise<StoredWebhookEventPage>
  find(id: string): Promise<StoredWebhookEventDetails>
  replay(id: string): Promise<StoredWebhookEventDetails>
  replayDead(type: string, signal: AbortSignal): Promise<WebhookReplayResult>
}

/** Well within what a handler may take. */
const REPLAY_TIME_MS = 5000
const BODY_LIMIT_BYTES = 4096

const config = { access: 'webhooks:admin' } as const
const tags = ['Webhooks']
const params = StoredWebhookEventParams
const wrongId = problemResponse('The id is not the number of an event.')
const notFound = problemResponse('There is no such event, or it is not kept any longer.')
const unavailable = problemResponse('The database does not answer; try again after `Retry-After` seconds.')

const routes: FastifyPluginAsyncTypebox = async (app) => {
  const inbox = app.getDecorator<WebhookInbox>('webhookInbox')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT_BYTES },
    async (request: { headers: Parameters<typeof readJson>[1] }, body: Buffer) => readJson(body, request.headers)
  )

  app.get(
    '',
    {
      config,
      schema: {
        operationId: 'listWebhookEvents',
        summary: 'List received events',
        description: 'The last that came first, at the same cost on every page. Events are kept for a time.',
        tags,
        querystring: StoredWebhookEventsQuery,
        response: {
          200: json('A page of events, without their bodies.', StoredWebhookEventPage),
          400: problemResponse('A parameter is wrong: `errors` names it.'),
          503: unavailable
        }
      }
    },
    ({ query }) => inbox.list(query)
  )

  app.get(
    '/:id',
    {
      config,
      schema: {
        operationId: 'getWebhookEvent',
        summary: 'Get one event, with its body and its attempts',
        tags,
        params,
        response: {
          200: json('The event.', StoredWebhookEventDetails),
          400: wrongId,
          404: notFound,
          503: unavailable
        }
      }
    },
    ({ params }) => inbox.find(params.id)
  )

  app.post(
    '/:id/replay',
    {
      config,
      schema: {
        operationId: 'replayWebhookEvent',
        summary: 'Process an event again',
        description:
          'Whatever has become of it. What was written since stays: its effect is that of any event that comes late.',
        tags,
        params,
        response: {
          200: json('The event, which is pending.', StoredWebhookEventDetails),
          400: wrongId,
          404: notFound,
          409: problemResponse('It is not finished yet, or nothing follows from its type.'),
          503: unavailable
        }
      }
    },
    ({ params }) => inbox.replay(params.id)
  )

  app.post(
    '/replay',
    {
      config,
      validatorCompiler: ({ schema }) => compile(schema),
      schema: {
        operationId: 'replayDeadWebhookEvents',
        summary: 'Process all dead events of a type again',
        tags,
        body: Ref(WebhookReplay),
        response: {
          200: json('They are pending.', WebhookReplayResult),
          400: problemResponse('The body is wrong: `errors` names each field; or it is no JSON.'),
          413: problemResponse('The body has more than 4 KiB.'),
          415: problemResponse('The body is not `application/json`, or comes in another charset or a content coding.'),
          503: unavailable
        }
      }
    },
    ({ body }) => inbox.replayDead(body.type, AbortSignal.timeout(REPLAY_TIME_MS))
  )
}

const compile = createBodyValidator([WebhookReplay])

function json<T extends Parameters<typeof Ref>[0]>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema: Ref(schema) } } }
}

export default routes
