import { type Static, Type } from '@sinclair/typebox'
import { CURSOR_MAX_LENGTH } from './products.ts'
import { Nullable, Ref, StringEnum } from './types.ts'
import { EVENT_TYPE_PATTERN, WebhookEvent } from './webhooks.ts'

/** The number of an event in the inbox, as text: a positive 64-bit integer. */
export const STORED_ID_PATTERN = '^[1-9][0-9]{0,18}$'
/** The number of events on a page, unless the client asks for another one. */
export const STORED_LIMIT_DEFAULT = 20
/** The largest page that a client can ask for. */
export const STORED_LIMIT_MAX = 100
/** The states of an event in the inbox. */
export const EVENT_STATUSES = ['pending', 'processing', 'done', 'stale', 'ignored', 'dead'] as const
/** A state of an event in the inbox. */
export type EventStatus = (typeof EVENT_STATUSES)[number]

const moment = (description: string) => Type.String({ format: 'date-time', description })
const momentOrNull = (description: string) => Nullable(Type.String({ format: 'date-time' }), description)

const fields = {
  id: Type.String({
    pattern: STORED_ID_PATTERN,
    description: 'Number in the inbox. Numbers grow in the order of arrival.'
  }),
  eventId: WebhookEvent.properties.id,
  type: WebhookEvent.properties.type,
  status: StringEnum(EVENT_STATUSES, {
    description:
      '`pending`: waits to be processed. `processing`: is being processed. `done`: processed. `stale`: processed without ' +
      'effect, as everything in it had been overwritten by later events. `ignored`: its type has no effect. `dead`: could ' +
      'not be processed; it is not retried unless it is replayed.'
  }),
  attempts: Type.Integer({
    minimum: 0,
    description: 'Number of attempts that have begun since the event arrived or was last replayed.'
  }),
  occurredAt: moment('When it happened, according to its sender.'),
  receivedAt: moment('When it was recorded.'),
  nextAttemptAt: momentOrNull('The earliest time of the next attempt, if the event is pending.'),
  finishedAt: momentOrNull('When processing ended, if it has.'),
  duplicates: Type.Integer({ minimum: 0, description: 'Number of further deliveries of the event.' }),
  hasConflict: Type.Boolean({
    description: 'Whether a further delivery had a different body. The first body is the one that counts.'
  }),
  lastError: Nullable(Type.String(), 'Why the last attempt failed, if it did.')
}

export const StoredWebhookEvent = Type.Object(fields, {
  $id: 'StoredWebhookEvent',
  description: 'A received event and the state of its processing.'
})
export type StoredWebhookEvent = Static<typeof StoredWebhookEvent>

export const StoredWebhookEventDetails = Type.Object(
  {
    ...fields,
    scheme: StringEnum(['standard', 'hub', 'plain'], { description: 'How the first delivery was signed.' }),
    secretNumber: Type.Integer({
      minimum: 1,
      description: 'Which of the secrets configured at that time it was signed with, from 1.'
    }),
    leaseUntil: momentOrNull('If it is being processed: when another worker may take over.'),
    failedAttempts: Type.Array(
      Type.Object({
        attempt: Type.Integer({ minimum: 1, description: 'Number of the attempt. It starts over after a replay.' }),
        startedAt: momentOrNull('When the attempt began, if known.'),
        failedAt: moment('When the attempt failed.'),
        error: Type.String({ description: 'Why the attempt failed.' })
      }),
      { description: 'The latest 100 failed attempts, oldest first, including those before a replay.' }
    ),
    body: Type.Unknown({ description: 'The delivered body, as JSON.' })
  },
  {
    $id: 'StoredWebhookEventDetails',
    description: 'A received event with its body, its signature and its failed attempts.'
  }
)
export type StoredWebhookEventDetails = Static<typeof StoredWebhookEventDetails>

export const StoredWebhookEventPage = Type.Object(
  {
    data: Type.Array(Ref(StoredWebhookEvent)),
    pagination: Type.Object({
      limit: Type.Integer({ minimum: 1, maximum: STORED_LIMIT_MAX, description: 'The requested page size.' }),
      hasMore: Type.Boolean({ description: 'Whether there is another page.' }),
      nextCursor: Nullable(Type.String(), 'Cursor of the next page; null on the last one.')
    })
  },
  { $id: 'StoredWebhookEventPage', description: 'A page of received events, the latest arrival first.' }
)
export type StoredWebhookEventPage = Static<typeof StoredWebhookEventPage>

const type = Type.String({ pattern: EVENT_TYPE_PATTERN, description: 'Only events of this type.' })

export const StoredWebhookEventsQuery = Type.Object(
  {
    status: Type.Optional(StringEnum(EVENT_STATUSES, { description: 'Only events with this status.' })),
    type: Type.Optional(type),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: STORED_LIMIT_MAX,
        default: STORED_LIMIT_DEFAULT,
        description: 'Maximum number of events on a page.'
      })
    ),
    cursor: Type.Optional(
      Type.String({
        maxLength: CURSOR_MAX_LENGTH,
        description: 'The `nextCursor` of an earlier response to the same filters.'
      })
    )
  },
  { additionalProperties: false }
)
export type StoredWebhookEventsQuery = Static<typeof StoredWebhookEventsQuery>

export const StoredWebhookEventParams = Type.Object({ id: fields.id }, { additionalProperties: false })

export const WebhookReplay = Type.Object(
  { type, status: StringEnum(['dead'], { description: 'Only dead events can be replayed together.' }) },
  {
    $id: 'WebhookReplay',
    additionalProperties: false,
    description: 'Selects the events to process again.',
    examples: [{ type: 'product.stock_changed', status: 'dead' }]
  }
)
export type WebhookReplay = Static<typeof WebhookReplay>

export const WebhookReplayResult = Type.Object(
  {
    replayed: Type.Integer({ minimum: 0, description: 'Number of events that are pending again.' }),
    hasMore: Type.Boolean({
      description: 'Whether dead events of the type are left, because time ran out. Repeat the request for the rest.'
    })
  },
  { $id: 'WebhookReplayResult', examples: [{ replayed: 42, hasMore: false }] }
)
export type WebhookReplayResult = Static<typeof WebhookReplayResult>
