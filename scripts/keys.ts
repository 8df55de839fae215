import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import mysql, { type Connection } from 'mysql2/promise'
import { UUID_PATTERN } from '../schemas/patterns.ts'
import { SCOPES } from '../schemas/scopes.ts'
import { isScope } from '../src/edge/auth/access.ts'
import { createKey, type ListedKey, listKeys, type NewKey, revokeKey } from '../src/edge/auth/create-and-revoke-keys.ts'
import { isWellFormed } from '../src/edge/auth/key-format.ts'
import type { Limit } from '../src/edge/rate-limit/limiter.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'
import { ReadableError } from '../tools/readable-error.ts'
import { readCommandLine, readInteger } from './command-line.ts'
import { runOnCatalogue } from './run-command.ts'

const USAGE = `npm run keys -- create --name NAME [--scopes SCOPE,...] [--limit N --window SECONDS]
       npm run keys -- list
       npm run keys -- revoke ID

  --name    the owner or the purpose of the key
  --scopes  ${SCOPES.join(', ')} (default: ${SCOPES[0]})
  --limit   how many requests in --window seconds, instead of the common limits
  ID        the id, as printed by list, or the key itself

create prints the key on standard output, and everything else on standard error. The key cannot be shown again.`

const NAME_MAX_LENGTH = 100
const LIMIT_MAX = 1_000_000_000
const WINDOW_MAX_SECONDS = 86_400

type Action = (connection: Connection) => Promise<void>

const act = readCommandLine(USAGE, readAction)

await runOnCatalogue(async (config) => {
  const connection = await mysql.createConnection(connectionOptions(config.mysql))
  await act(connection).finally(() => connection.end())
})

function readAction(): Action {
  const { values, positionals } = parseArgs({
    options: {
      name: { type: 'string' },
      scopes: { type: 'string' },
      limit: { type: 'string' },
      window: { type: 'string' }
    },
    allowPositionals: true
  })
  const [action, ...names] = positionals
  const isCreate = action === 'create'
  if (!isCreate && Object.keys(values).length > 0) throw new Error('Options only apply to create.')
  if (names.length !== (action === 'revoke' ? 1 : 0))
    throw new Error('Give one id or key to revoke, and none to create and list.')
  if (isCreate) return create(readNewKey(values))
  if (action === 'list') return list
  if (action === 'revoke') return revoke(readIdOrKey(names[0] ?? ''))
  throw new Error('Give a command: create, list or revoke.')
}

function create(newKey: NewKey): Action {
  return async (connection) => {
    const { id, key } = await createKey(connection, newKey, { nowMs: Date.now, randomBytes })
    console.error(`${newKey.name}: ${newKey.scopes.join(', ')}. Revoke it with npm run keys -- revoke ${id}`)
    console.error('The key, which cannot be shown again:')
    console.log(key)
  }
}

async function list(connection: Connection): Promise<void> {
  const keys = await listKeys(connection)
  for (const key of keys) console.log(describeKey(key))
  if (keys.length === 0) console.error('There are no keys. Create one with `npm run keys -- create --name NAME`.')
}

function revoke(idOrKey: string): Action {
  return async (connection) => {
    const revoked = await revokeKey(connection, idOrKey, Date.now())
    if (revoked === undefined)
      throw new ReadableError('There is no such key. List all keys with `npm run keys -- list`.')
    console.log(describeKey(revoked))
  }
}

/** Formats a key as one line of fields separated by tabs. */
function describeKey({ id, name, scopes, limit, createdAt, lastUsedAt, revokedAt }: ListedKey): string {
  return [
    id,
    name,
    scopes.join(','),
    limit === null ? 'common limit' : `${limit.max} in ${limit.windowMs / 1000} s`,
    `created ${createdAt}`,
    lastUsedAt === null ? 'never used' : `used ${lastUsedAt}`,
    revokedAt === null ? 'valid' : `revoked ${revokedAt}`
  ].join('\t')
}

type CreateValues = { name?: string; scopes?: string; limit?: string; window?: string }

function readNewKey({ name = '', scopes = SCOPES[0], limit, window }: CreateValues): NewKey {
  return { name: readName(name), scopes: readScopes(scopes), limit: readLimit(limit, window) }
}

function readName(text: string): string {
  const name = text.trim()
  if (name === '') throw new Error('--name is required.')
  if (name.length > NAME_MAX_LENGTH || /\p{Cc}/u.test(name))
    throw new Error(`--name must have at most ${NAME_MAX_LENGTH} characters, on one line.`)
  return name
}

function readScopes(text: string) {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !isScope(name))
  if (unknown !== undefined) throw new Error(`There is no scope "${unknown}".`)
  return [...new Set(names.filter(isScope))]
}

function readLimit(limit: string | undefined, window: string | undefined): Limit | null {
  if (limit === undefined && window === undefined) return null
  if (limit === undefined || window === undefined) throw new Error('--limit and --window must be given together.')
  return {
    max: readInteger('--limit', limit, 1, LIMIT_MAX),
    windowMs: readInteger('--window', window, 1, WINDOW_MAX_SECONDS) * 1000
  }
}

function readIdOrKey(text: string): string {
  if (isWellFormed(text) || new RegExp(UUID_PATTERN).test(text)) return text
  throw new Error('The argument is neither a key nor the id of a key.')
}
