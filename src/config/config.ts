import { readFileSync } from 'node:fs'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import { envSchema } from 'env-schema'
import { StringEnum } from '../../schemas/types.ts'
import { parseBaseUrl } from './base-url.ts'
import { parseOrigins, parseTrustProxy, splitList } from './lists.ts'
import { readCredentials } from './oauth-credentials.ts'
import { readSecrets, secretWarnings } from './webhook-secrets.ts'

const Environment = Type.Object({
  NODE_ENV: Type.String({ default: 'development' }),
  HOST: Type.String({ default: '127.0.0.1' }),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3000 }),
  LOG_LEVEL: StringEnum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], { default: 'info' }),
  LOG_FILE_PATH: Type.Optional(Type.String()),
  LOG_MAX_SIZE: Type.String({ pattern: '^[1-9][0-9]{0,5}[kmgKMG]$', default: '100m' }),
  LOG_MAX_FILES: Type.Integer({ minimum: 2, maximum: 10_000, default: 7 }),

  DB_HOST: Type.Optional(Type.String()),
  DB_PORT: Type.Integer({ minimum: 1, maximum: 65_535, default: 3306 }),
  DB_SOCKET: Type.Optional(Type.String()),
  DB_USER: Type.Optional(Type.String()),
  DB_PASSWORD: Type.String({ default: '' }),
  DB_NAME: Type.Optional(Type.String()),
  DB_SSL_CA: Type.Optional(Type.String()),
  DB_CONNECTION_LIMIT: Type.Integer({ minimum: 1, maximum: 1000, default: 10 }),
  DB_QUEUE_LIMIT: Type.Integer({ minimum: 0, maximum: 100_000, default: 200 }),
  DB_QUERY_TIMEOUT_MS: Type.Integer({ minimum: 50, maximum: 60_000, default: 1000 }),

  REDIS_URL: Type.Optional(Type.String({ pattern: '^(rediss?://.+|/.+)$' })),
  REDIS_KEY_PREFIX: Type.String({ maxLength: 64, default: 'aisle:' }),

  CACHE_TTL_SHORT: Type.Integer({ minimum: 1, maximum: 86_400, default: 300 }),
  CACHE_TTL_MEDIUM: Type.Integer({ minimum: 1, maximum: 86_400, default: 3600 }),
  CACHE_MEMORY_MB: Type.Integer({ minimum: 1, maximum: 16_384, default: 64 }),

  CHANGES_RETENTION_HOURS: Type.Integer({ minimum: 1, maximum: 87_600, default: 168 }),

  RATE_LIMIT_ENABLED: Type.Boolean({ default: true }),
  RATE_LIMIT_MAX_REQUESTS: Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, default: 6000 }),
  RATE_LIMIT_WINDOW_MS: Type.Integer({ minimum: 1, maximum: 2_678_400_000, default: 60_000 }),

  WEBHOOK_SECRET: Type.String({ default: '' }),
  WEBHOOK_TOLERANCE_SECONDS: Type.Integer({ minimum: 1, maximum: 86_400, default: 300 }),
  WEBHOOK_RETENTION_DAYS: Type.Integer({ minimum: 1, maximum: 3650, default: 30 }),
  WEBHOOK_WORKER: Type.Boolean({ default: true }),

  OAUTH_TOKEN_URL: Type.Optional(Type.String()),
  OAUTH_CLIENT_ID: Type.Optional(Type.String()),
  OAUTH_CLIENT_SECRET: Type.Optional(Type.String()),
  OAUTH_SCOPE: Type.Optional(Type.String()),
  OAUTH_AUDIENCE: Type.Optional(Type.String()),
  OAUTH_CLIENT_AUTH: StringEnum(['basic', 'post'], { default: 'basic' }),

  EXTERNAL_API_BASE_URL: Type.Optional(Type.String()),
  EXTERNAL_API_TIMEOUT: Type.Integer({ minimum: 1, maximum: 600_000, default: 2000 }),
  EXTERNAL_API_RETRY_ATTEMPTS: Type.Integer({ minimum: 1, maximum: 10, default: 3 }),
  EXTERNAL_API_RETRY_DELAY: Type.Integer({ minimum: 1, maximum: 60_000, default: 100 }),
  AVAILABILITY_DEADLINE_MS: Type.Integer({ minimum: 1, maximum: 60_000, default: 800 }),
  CIRCUIT_BREAKER_THRESHOLD: Type.Integer({ minimum: 1, maximum: 1_000_000, default: 5 }),
  CIRCUIT_BREAKER_RESET_TIMEOUT: Type.Integer({ minimum: 1, maximum: 3_600_000, default: 10_000 }),

  PUBLIC_READ: Type.Boolean({ default: true }),
  CORS_ORIGINS: Type.String({ default: '*' }),
  TRUST_PROXY: Type.String({ default: 'false' }),
  SHUTDOWN_DRAIN_MS: Type.Integer({ minimum: 0, maximum: 300_000, default: 5000 }),
  METRICS_REQUIRE_KEY: Type.Boolean({ default: false })
})
type Environment = Static<typeof Environment>

/** Names that a predecessor of this service read and that have no meaning here. */
const RETIRED = [
  'API_VERSION',
  'CACHE_TTL_LONG',
  'OAUTH_TOKEN_CACHE_KEY',
  'OAUTH_TOKEN_LOCK_KEY',
  'OAUTH_TOKEN_LOCK_TTL',
  'CIRCUIT_BREAKER_TIMEOUT',
  'WEBHOOK_IDEMPOTENCY_TTL'
]

const REQUIRED = ['DB_USER', 'DB_NAME', 'REDIS_URL'] as const

/** With Ajv's default a number of 1e999 would pass every bound. */
const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  coerceTypes: true,
  removeAdditional: true,
  strictNumbers: false
})

/** Everything that can be configured, read once at start. */
export type Config = Readonly<ReturnType<typeof toConfig>>
export type MysqlConfig = Config['mysql']

/** The environment does not make a valid configuration. The message has one line for each fault, with its name. */
export class ConfigError extends Error {
  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/**
 * Reads the configuration from environment variables; an empty variable counts as unset.
 * @throws {ConfigError} naming every variable that is missing or invalid
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const faults = REQUIRED.filter((name) => !set[name]).map((name) => `${name} is required`)
  if (!set.DB_HOST && !set.DB_SOCKET) faults.push('DB_HOST or DB_SOCKET is required')
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      faults.push(...describe(error))
      return undefined
    }
  }
  const environment = attempt(() => envSchema<Environment>({ schema: Environment, data: set, env: false, ajv }))
  const config = environment && toConfig(environment, Object.keys(set), attempt)
  if (config === undefined || faults.length > 0) throw new ConfigError(faults)
  return config
}

function toConfig(e: Environment, names: readonly string[], attempt: <T>(read: () => T) => T | undefined) {
  const ca = e.DB_SSL_CA
  const supplierUrl = e.EXTERNAL_API_BASE_URL
  const address = e.DB_SOCKET ? { socketPath: e.DB_SOCKET } : { host: e.DB_HOST ?? '', port: e.DB_PORT }
  const webhookSecrets = attempt(() => readSecrets(splitList(e.WEBHOOK_SECRET))) ?? []
  return Object.freeze({
    isProduction: e.NODE_ENV === 'production',
    /** What an operator should know before the service starts, a sentence each. */
    warnings: names
      .filter((name) => RETIRED.includes(name))
      .map((name) => `${name} has no meaning here and is ignored`)
      .concat(secretWarnings(webhookSecrets)),
    server: {
      host: e.HOST,
      port: e.PORT,
      trustProxy: attempt(() => parseTrustProxy(e.TRUST_PROXY)) ?? false,
      drainMs: e.SHUTDOWN_DRAIN_MS
    },
    log: { level: e.LOG_LEVEL, filePath: e.LOG_FILE_PATH, maxSize: e.LOG_MAX_SIZE, maxFiles: e.LOG_MAX_FILES },
    mysql: {
      ...address,
      user: e.DB_USER ?? '',
      password: e.DB_PASSWORD,
      database: e.DB_NAME ?? '',
      ca: ca === undefined ? undefined : attempt(() => readCertificate(ca)),
      connectionLimit: e.DB_CONNECTION_LIMIT,
      queueLimit: e.DB_QUEUE_LIMIT,
      queryTimeoutMs: e.DB_QUERY_TIMEOUT_MS
    },
    redis: { url: e.REDIS_URL ?? '', keyPrefix: e.REDIS_KEY_PREFIX },
    cache: {
      listTtlMs: e.CACHE_TTL_SHORT * 1000,
      productTtlMs: e.CACHE_TTL_MEDIUM * 1000,
      memoryBytes: e.CACHE_MEMORY_MB * 2 ** 20
    },
    changes: { retentionMs: e.CHANGES_RETENTION_HOURS * 3_600_000 },
    rateLimit: { isEnabled: e.RATE_LIMIT_ENABLED, max: e.RATE_LIMIT_MAX_REQUESTS, windowMs: e.RATE_LIMIT_WINDOW_MS },
    webhooks: {
      secrets: webhookSecrets,
      toleranceSeconds: e.WEBHOOK_TOLERANCE_SECONDS,
      retentionMs: e.WEBHOOK_RETENTION_DAYS * 86_400_000,
      isWorkerEnabled: e.WEBHOOK_WORKER
    },
    auth: { publicRead: e.PUBLIC_READ },
    /** Where access tokens for the supplier come from; null where that is not configured. */
    oauth: attempt(() => readCredentials(e)) ?? null,
    supplier: {
      /** Null: there is none. */
      baseUrl: attempt(() => supplierUrl && parseBaseUrl('EXTERNAL_API_BASE_URL', supplierUrl)) ?? null,
      attemptTimeoutMs: e.EXTERNAL_API_TIMEOUT,
      attempts: e.EXTERNAL_API_RETRY_ATTEMPTS,
      retryDelayMs: e.EXTERNAL_API_RETRY_DELAY
    },
    availability: { deadlineMs: e.AVAILABILITY_DEADLINE_MS },
    breaker: { threshold: e.CIRCUIT_BREAKER_THRESHOLD, resetTimeoutMs: e.CIRCUIT_BREAKER_RESET_TIMEOUT },
    cors: { origins: attempt(() => parseOrigins(e.CORS_ORIGINS)) ?? [] },
    metrics: { requireKey: e.METRICS_REQUIRE_KEY }
  })
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`DB_SSL_CA must be the path of a readable file, not ${path}`, { cause })
  }
}

/** One line for each fault, each with the name of its variable. */
function describe(error: unknown): string[] {
  if (!(error instanceof Error)) throw error
  if (!('errors' in error) || !Array.isArray(error.errors)) return [error.message]
  return error.errors.map(({ instancePath, message, params }) => {
    const allowed = params?.allowedValues ? ` (${params.allowedValues.join(', ')})` : ''
    return `${instancePath.slice(1)} ${message}${allowed}`
  })
}
