import { parseArgs } from 'node:util'
import {
  EVENT_STATUSES,
  type EventStatus,
  STORED_ID_PATTERN,
  STORED_LIMIT_DEFAULT,
  type StoredWebhookEvent
} from '../schemas/webhook-inbox.ts'
import { EVENT_TYPE_PATTERN } from '../schemas/webhooks.ts'
import { migrate } from '../src/catalogue/migrate.ts'
import { loadConfig } from '../src/config/config.ts'
import { findEvent } from '../src/integrations/webhooks/inbox/find-event.ts'
import { listEvents } from '../src/integrations/webhooks/inbox/list-events.ts'
import { replayDead, replayEvent } from '../src/integrations/webhooks/inbox/replay-events.ts'
import { createDatabase, type Database } from '../src/platform/database/database.ts'
import { openPool } from '../src/platform/database/pool.ts'
import { AppError } from '../src/platform/errors/app-error.ts'
import { readInteger, readOrFail } from './command-line.ts'
import { interruption } from './interruption.ts'
import { ReadableError } from './readable-error.ts'
import { runCommand } from './run-command.ts'

const USAGE = `npm run webhooks -- list [--status STATUS] [--type TYPE] [--limit N]
       npm run webhooks -- show ID
       npm run webhooks -- replay ID
       npm run webhooks -- replay --type TYPE

  STATUS  ${EVENT_STATUSES.join(', ')}
  TYPE    for example product.updated; with replay: all dead events of the type
  N       how many to list, the last that came first; ${STORED_LIMIT_DEFAULT} unless said
  ID      from the list`

const LIST_MAX = 10_000
const TIMEOUT_MS = 10_000

type Action = (database: Database) => Promise<void>

const act = readOrFail(USAGE, readAction)

await runCommand(async ({ env, isPrivate }) => {
  const config = loadConfig(env).mysql
  if (isPrivate) await migrate(config)
  const limits = { connectionLimit: 1, queueLimit: 1, queryTimeoutMs: TIMEOUT_MS }
  const pool = openPool(config, limits)
  try {
    await act(createDatabase(pool, limits))
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
  if (!isList && (status ?? limit) !== undefined) throw new Error('--status and --limit are for list alone.')
  if (others.length > 0 || (isList && id !== undefined)) throw new Error('Name one event at most, and none to list.')
  const readType = type === undefined ? undefined : readTypeName(type)
  if (isList) {
    return list(
      readStatus(status),
      readType,
      limit === undefined ? undefined : readInteger('--limit', limit, 1, LIST_MAX)
    )
  }
  if (action === 'replay' && readType !== undefined && id === undefined) return replayAll(readType)
  if (readType !== undefined) throw new Error('--type is for list, and for replay in place of an id.')
  if (action === 'show') return show(readId(id))
  if (action === 'replay') return replay(readId(id))
  throw new Error('Say what to do: list, show or replay.')
}

function list(status: EventStatus | undefined, type: string | undefined, limit = STORED_LIMIT_DEFAULT): Action {
  const filters = { ...(status && { status }), ...(type && { type }) }
  return async (database) => {
    const { data } = await listEvents(database, { ...filters, limit })
    for (const event of data) console.log(describeEvent(event))
    if (data.length === 0) console.error('There are no such events.')
  }
}

function show(id: string): Action {
  return async (database) => console.log(JSON.stringify(await findEvent(database, id), null, 2))
}

function replay(id: string): Action {
  return async (database) => {
    await replayEvent(database, id)
    console.log(describeEvent(await findEvent(database, id)))
  }
}

/** Ctrl-C leaves the rest as it is. */
function replayAll(type: string): Action {
  return async (database) => {
    const { replayed, hasMore } = await replayDead(database, type, interruption())
    console.log(`${replayed} events are pending again${hasMore ? ', and there are more' : ''}.`)
  }
}

/** A line, with tabs between what it tells. */
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
  throw new Error('Name one event by its id, a number from the list.')
}
