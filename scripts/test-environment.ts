import { join } from 'node:path'
import { holdEngines } from '../tools/engines/hold-engines.ts'
import { ReadableError } from '../tools/readable-error.ts'
import { type CommandEnvironment, redisUrl } from './environment.ts'
import { printTimedStep } from './steps.ts'

/** Node's cache of compiled modules: the tests start hundreds of processes with the same ones. */
const COMPILE_CACHE = join(import.meta.dirname, '../node_modules/.cache/compiled-modules')

/**
 * Chooses the servers of the tests, and names them in `TEST_DB_...` and `TEST_REDIS_URL`: the servers that these
 * variables name already, or private engines with throw-away data.
 * @throws {ReadableError} when only one server is configured, or the private engines cannot be started
 */
export async function prepareTestEnvironment(): Promise<CommandEnvironment> {
  const env: NodeJS.ProcessEnv = { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env }
  const hasDatabase = Boolean(env.TEST_DB_HOST || env.TEST_DB_SOCKET)
  if (hasDatabase !== Boolean(env.TEST_REDIS_URL)) {
    throw new ReadableError('Set both TEST_DB_HOST (or TEST_DB_SOCKET) and TEST_REDIS_URL, or neither.')
  }
  if (hasDatabase) return { env, isPrivate: false, release: async () => {} }

  const { database, redis, release } = await holdEngines('test', printTimedStep)
  const address = 'path' in database ? { TEST_DB_SOCKET: database.path } : tcpVariables(database)
  return {
    env: { ...env, ...address, TEST_DB_USER: 'root', TEST_DB_PASSWORD: '', TEST_REDIS_URL: redisUrl(redis) },
    isPrivate: true,
    release
  }
}

function tcpVariables({ host, port }: { host: string; port: number }) {
  return { TEST_DB_HOST: host, TEST_DB_PORT: String(port) }
}
