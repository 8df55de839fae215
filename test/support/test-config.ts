import { randomBytes } from 'node:crypto'
import mysql, { type Connection, type ConnectionOptions } from 'mysql2/promise'
import type { Test } from 'tap'
import { migrate } from '../../src/catalogue/migrate.ts'
import { type Config, loadConfig } from '../../src/config/config.ts'

const { env } = process

/** The servers that the tests run on, which `npm test` starts or is given. */
function testServers(): Record<string, string | undefined> {
  if (!env.TEST_REDIS_URL || !(env.TEST_DB_HOST || env.TEST_DB_SOCKET)) {
    throw new Error('The tests need MySQL and Redis: run them with `npm test` or `npm run test:only -- FILE`.')
  }
  return {
    DB_HOST: env.TEST_DB_HOST,
    DB_PORT: env.TEST_DB_PORT,
    DB_SOCKET: env.TEST_DB_SOCKET,
    DB_USER: env.TEST_DB_USER ?? 'root',
    DB_PASSWORD: env.TEST_DB_PASSWORD,
    REDIS_URL: env.TEST_REDIS_URL
  }
}

/**
 * Makes the configuration of a test: with a database of its own, which is migrated, and dropped at the end of the test, and a
 * key prefix of its own in Redis. A busy machine must not make the service refuse requests, so no event loop is too slow.
 */
export async function testConfig(t: Test, overrides: Record<string, string> = {}): Promise<Config> {
  const name = `aisle_test_${process.pid}_${randomBytes(4).toString('hex')}`
  const loaded = loadConfig({
    ...testServers(),
    DB_NAME: name,
    REDIS_KEY_PREFIX: `${name}:`,
    LOG_LEVEL: 'silent',
    PORT: '0',
    SHUTDOWN_DRAIN_MS: '0',
    RATE_LIMIT_MAX_REQUESTS: '1000000000',
    ...overrides
  })
  const config = { ...loaded, server: { ...loaded.server, maxEventLoopDelayMs: 0 } }
  const admin = await mysql.createConnection({ ...serverOptions(config) })
  await admin.query(`CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4`)
  t.teardown(async () => {
    await admin.query(`DROP DATABASE \`${name}\``)
    await admin.end()
  })
  await migrate(config.mysql)
  return config
}

/** A connection to the test's database, apart from the application's, closed with the test. */
export async function testConnection(t: Test, config: Config): Promise<Connection> {
  const connection = await mysql.createConnection({
    ...serverOptions(config),
    database: config.mysql.database,
    dateStrings: true
  })
  t.teardown(() => connection.end())
  return connection
}

function serverOptions({ mysql: { user, password, ...rest } }: Config): ConnectionOptions {
  const address = 'socketPath' in rest ? { socketPath: rest.socketPath } : { host: rest.host, port: rest.port }
  return { ...address, user, password, timezone: 'Z' }
}
