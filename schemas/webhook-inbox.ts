import { type Static, Type } from '@sinclair/typebox'
import { CURSOR_MAX_LENGTH } from './products.ts'
import { Nullable, Ref, StringEnum } from './types.ts'
import { EVENT_TYPE_PATTERN, WebhookEvent } from './webhooks.ts'

export const STORED_ID_PATTERN = '^[1-9][0-9]{0,18}$'
export const STORED_LIMIT_DEFAULT = 20
export const STORED_LIMIT_MAX = 100
export const EVENT_STATUSES = ['pending', 'processing', 'done', 'stale', 'ignored', 'dead'] as const
export type EventStatus = (typeof EVENT_STATUSES)[number]

const moment = (description: string) => Type.String({ format: 'date-time', description })
const momentOrNull = (description: string) => Nullable(Type.String({ format: 'date-time' }), description)

const fields = {
  id: Type.String({ pattern: STORED_ID_PATTERN, description: 'Its number in the inbox, in the order of arrival.' }),
  eventId: WebhookEvent.properties.id,
  type: WebhookEvent.properties.type,
  status: StringEnum(EVENT_STATUSES, {
    description:
      '`pending`: it is to be processed; `processing`: it is, now; `done`; `stale`: later events had said it all; ' +
      '`ignored`: nothing follows from its type; `dead`: it could not be processed, and is not tried again by itself.'
  }),
  attempts: Type.Integer({ minimum: 0, description: 'How many have begun, since it came or was replayed.' }),
  occurredAt: moment('As its sender says.'),
  receivedAt: moment('When it was recorded.'),
  nextAttemptAt: momentOrNull('While it is pending: not before then.'),
  finishedAt: momentOrNull('Since when nothing is to be done any more.'),
  duplicates: Type.Integer({ minimum: 0, description: 'How many more times it was delivered.' }),
  hasConflict: Type.Boolean({ description: 'Whether one of these had another body. The first one counts.' }),
  lastError: Nullable(Type.String(), 'Why the last attempt failed.')
}

export const StoredWebhookEvent = Type.Object(fields, {
  $id: 'StoredWebhookEvent',
  description: 'An event that was delivered, and what has become of it.'
})
export type StoredWebhookEvent = Static<typeof StoredWebhookEvent>

export const StoredWebhookEventDetails = Type.Object(
  {
    ...fields,
    scheme: StringEnum(['standard', 'hub', 'plain'], { description: 'How it was signed.' }),
    secretNumber: Type.Integer({ minimum: 1, description: 'With which of the secrets, as they were configured then.' }),
    leaseUntil: momentOrNull('While it is processed: how long at most, before others try.'),
    failedAttempts: Type.Array(
      Type.Object({
        attempt: Type.Integer({ minimum: 1 }),
        startedAt: momentOrNull('When it began, where that is known.'),
        failedAt: moment('When it ended.'),
        error: Type.String()
      }),
      { description: 'The oldest first, those from before a replay included.' }
    ),
    body: Type.Unknown({ description: 'What was delivered, as JSON.' })
  },
  { $id: 'StoredWebhookEventDetails', description: 'All that is known of an event.' }
)
export type StoredWebhookEventDetails = Static<typeof StoredWebhookEventDetails>

export const StoredWebhookEventPage = Type.Object(
  {
    data: Type.Array(Ref(StoredWebhookEvent)),
    pagination: Type.Object({
      limit: Type.Integer({ minimum: 1, maximum: STORED_LIMIT_MAX, description: 'The page size that was asked for.' }),
      hasMore: Type.Boolean({ description: 'Whether `nextCursor` leads on.' }),
      nextCursor: Nullable(Type.String(), 'Leads to the page after this one; null at the end.')
    })
  },
  { $id: 'StoredWebhookEventPage', description: 'Events, the last that came first.' }
)
export type StoredWebhookEventPage = Static<typeof StoredWebhookEventPage>

const type = Type.String({ pattern: EVENT_TYPE_PATTERN, description: 'Only events of this type.' })

export const StoredWebhookEventsQuery = Type.Object(
  {
    status: Type.Optional(StringEnum(EVENT_STATUSES, { description: 'Only events in this status.' })),
    type: Type.Optional(type),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: STORED_LIMIT_MAX,
        default: STORED_LIMIT_DEFAULT,
        description: 'How many events a page has at most.'
      })
    ),
    cursor: Type.Optional(
      Type.String({
        maxLength: CURSOR_MAX_LENGTH,
        description: 'The `nextCursor` of an earlier answer to the same filters.'
      })
    )
  },
  { additionalProperties: false }
)
export type StoredWebhookEventsQuery = Static<typeof StoredWebhookEventsQuery>

export const StoredWebhookEventParams = Type.Object({ id: fields.id }, { additionalProperties: false })

export const WebhookReplay = Type.Object(
  { type, status: StringEnum(['dead'], { description: 'Events that are dead.' }) },
  {
    $id: 'WebhookReplay',
    additionalProperties: false,
    description: 'Which events are to be processed again.',
    examples: [{ type: 'product.stock_changed', status: 'dead' }]
  }
)
export type WebhookReplay = Static<typeof WebhookReplay>

export const WebhookReplayResult = Type.Object(
  {
    replayed: Type.Integer({ minimum: 0, description: 'How many are pending again.' }),
    hasMore: Type.Boolean({ description: 'Whether time ran out before all of them were: ask again.' })
  },
  { $id: 'WebhookReplayResult', examples: [{ replayed: 42, hasMore: false }] }
)
export type WebhookReplayResult = Static<typeof WebhookReplayResult>
