import { join } from 'node:path'
import { holdEngines } from '../tools/engines/hold-engines.ts'
import { ReadableError } from '../tools/readable-error.ts'
import { type Environment, redisUrl } from './environment.ts'
import { printTimedStep } from './steps.ts'

/** Where Node keeps the modules that it has compiled: the tests start hundreds of processes with the same ones. */
const COMPILE_CACHE = join(import.meta.dirname, '../node_modules/.cache/compiled-modules')

/**
 * Provides what the tests run on, in the variables `TEST_DB_...` and `TEST_REDIS_URL`: the servers that these name
 * already, or private ones whose data are thrown away.
 * @throws {ReadableError} when only one of the two is named, or the private engines can't be started
 */
export async function prepareTestEnvironment(): Promise<Environment> {
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
