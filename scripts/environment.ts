import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import mysql from 'mysql2/promise'
import type { Address } from '../tools/engines/engine.ts'
import { holdEngines } from '../tools/engines/hold-engines.ts'
import { ReadableError } from '../tools/readable-error.ts'
import { printTimedStep } from './steps.ts'

/** The configuration and servers that a command runs on. */
export interface CommandEnvironment {
  /** Variables of the process, which override those of `.env`, with the addresses of the engines. */
  env: Readonly<Record<string, string | undefined>>
  /** True for private engines, which a command may migrate and fill; false for configured servers. */
  isPrivate: boolean
  /** Releases private engines. The last command to do so waits until they are down. */
  release(): Promise<void>
}

const DOT_ENV = join(import.meta.dirname, '../.env')

/**
 * Chooses the servers of a command: the configured ones, or private engines if nothing is configured. Starts the private
 * engines if they do not run, and creates an empty database on their first start.
 * @throws {ReadableError} when only one server is configured, or the private engines cannot be started
 */
export async function prepareEnvironment(): Promise<CommandEnvironment> {
  const env = { ...(existsSync(DOT_ENV) ? parseEnv(readFileSync(DOT_ENV, 'utf8')) : {}), ...process.env }
  const hasDatabase = Boolean(env.DB_HOST || env.DB_SOCKET)
  const hasRedis = Boolean(env.REDIS_URL)
  if (env.NODE_ENV === 'production' || (hasDatabase && hasRedis)) {
    return { env, isPrivate: false, release: async () => {} }
  }
  if (hasDatabase !== hasRedis) throw halfConfigured(hasDatabase)

  const engines = await holdEngines('development', printTimedStep)
  const privateEnv = {
    ...env,
    ...databaseVariables(engines.database),
    DB_USER: 'root',
    DB_PASSWORD: '',
    DB_NAME: env.DB_NAME || 'aisle',
    REDIS_URL: redisUrl(engines.redis),
    // No load balancer sends requests to a private start.
    SHUTDOWN_DRAIN_MS: env.SHUTDOWN_DRAIN_MS || '0'
  }
  await createDatabase(engines.database, privateEnv.DB_NAME)
  return { env: privateEnv, isPrivate: true, release: engines.release }
}

/** Formats the address of a Redis as `REDIS_URL`: the path of a Unix socket, or a `redis:` URL. */
export function redisUrl(address: Address): string {
  return 'path' in address ? address.path : `redis://${address.host}:${address.port}`
}

function databaseVariables(address: Address) {
  if ('path' in address) return { DB_SOCKET: address.path, DB_HOST: undefined }
  return { DB_SOCKET: undefined, DB_HOST: address.host, DB_PORT: String(address.port) }
}

async function createDatabase(address: Address, name: string): Promise<void> {
  const target = 'path' in address ? { socketPath: address.path } : address
  const connection = await mysql.createConnection({ ...target, user: 'root', password: '' })
  await connection.query('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4', [name])
  await connection.end()
}

function halfConfigured(hasDatabase: boolean): ReadableError {
  const [present, missing] = hasDatabase
    ? ['DB_HOST or DB_SOCKET', 'REDIS_URL']
    : ['REDIS_URL', 'DB_HOST (or DB_SOCKET)']
  return new ReadableError(
    `${present} is set, but ${missing} is not. Set both to use your own servers, or neither to use private ones.`
  )
}
