import { parseArgs } from 'node:util'
import {
  EVENT_STATUSES,
  type EventStatus,
  STORED_ID_PATTERN,
  STORED_LIMIT_DEFAULT,
  type StoredWebhookEvent
} from '../schemas/webhook-inbox.ts'
import { EVENT_TYPE_PATTERN } from '../schemas/webhooks.ts'
import { createWebhookInbox, type WebhookInbox } from '../src/integrations/webhooks/inbox/webhook-inbox.ts'
import { createDatabase } from '../src/platform/database/database.ts'
import { openPool } from '../src/platform/database/pool.ts'
import { AppError } from '../src/platform/errors/app-error.ts'
import { ReadableError } from '../tools/readable-error.ts'
import { readCommandLine, readInteger } from './command-line.ts'
import { createInterruptSignal } from './interrupt-signal.ts'
import { runOnCatalogue } from './run-command.ts'

const USAGE = `npm run webhooks -- list [--status STATUS] [--type TYPE] [--limit N]
       npm run webhooks -- show ID
       npm run webhooks -- replay ID
       npm run webhooks -- replay --type TYPE

  STATUS  ${EVENT_STATUSES.join(', ')}
  TYPE    for example product.updated; with replay: all dead events of the type
  N       how many events to list, the latest first (default ${STORED_LIMIT_DEFAULT})
  ID      the number of an event, as printed by list`

const LIST_MAX = 10_000
const TIMEOUT_MS = 10_000

type Action = (inbox: WebhookInbox) => Promise<void>

const act = readCommandLine(USAGE, readAction)

await runOnCatalogue(async ({ mysql }) => {
  const limits = { connectionLimit: 1, queueLimit: 1, queryTimeoutMs: TIMEOUT_MS }
  const pool = openPool(mysql, limits)
  try {
    // Workers poll the database, so a replay needs no notification.
    await act(createWebhookInbox(createDatabase(pool, limits), () => {}))
  } catch (error) {
    throw error instanceof AppError ? new ReadableError(error.message) : error
  } finally {
    pool.end()
  }
})

function readAction(): Action {
  const { values, positionals } = parseArgs({
    options: { status: { type: 'string' }, type: { type: 'string' }, limit: { type: 'string' } },
    allowPositionals: true
  })
  const [action, id, ...others] = positionals
  const { status, type, limit } = values
  const isList = action === 'list'
  if (!isList && (status ?? limit) !== undefined) throw new Error('--status and --limit only apply to list.')
  if (others.length > 0 || (isList && id !== undefined)) throw new Error('Give at most one ID, and none to list.')
  const readType = type === undefined ? undefined : readTypeName(type)
  if (isList) {
    return list(
      readStatus(status),
      readType,
      limit === undefined ? undefined : readInteger('--limit', limit, 1, LIST_MAX)
    )
  }
  if (action === 'replay' && readType !== undefined && id === undefined) return replayAll(readType)
  if (readType !== undefined) throw new Error('--type only applies to list, and to replay without an ID.')
  if (action === 'show') return show(readId(id))
  if (action === 'replay') return replay(readId(id))
  throw new Error('Give a command: list, show or replay.')
}

function list(status: EventStatus | undefined, type: string | undefined, limit = STORED_LIMIT_DEFAULT): Action {
  const filters = { ...(status && { status }), ...(type && { type }) }
  return async (inbox) => {
    const { data } = await inbox.list({ ...filters, limit })
    for (const event of data) console.log(describeEvent(event))
    if (data.length === 0) console.error('No events match.')
  }
}

function show(id: string): Action {
  return async (inbox) => console.log(JSON.stringify(await inbox.find(id), null, 2))
}

function replay(id: string): Action {
  return async (inbox) => console.log(describeEvent(await inbox.replay(id)))
}

/** Ctrl-C ends the replay early; the remaining events stay dead. */
function replayAll(type: string): Action {
  return async (inbox) => {
    const { replayed, hasMore } = await inbox.replayDead(type, createInterruptSignal())
    console.log(`${replayed} events are pending again${hasMore ? '; more are dead' : ''}.`)
  }
}

/** Formats an event as one line of fields separated by tabs. */
function describeEvent({ id, status, type, eventId, receivedAt, attempts, lastError }: StoredWebhookEvent): string {
  return [id, status, type, eventId, `received ${receivedAt}`, `${attempts} attempts`, lastError ?? ''].join('\t')
}

function readStatus(text: string | undefined): EventStatus | undefined {
  const status = EVENT_STATUSES.find((name) => name === text)
  if (text !== undefined && status === undefined) throw new Error(`There is no status "${text}".`)
  return status
}

function readTypeName(text: string): string {
  if (new RegExp(EVENT_TYPE_PATTERN).test(text)) return text
  throw new Error('--type must be 1 to 64 printable ASCII characters without spaces.')
}

function readId(text = ''): string {
  if (new RegExp(STORED_ID_PATTERN).test(text)) return text
  throw new Error('Give the ID of one event, a number from the list.')
}
