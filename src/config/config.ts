import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { envSchema } from 'env-schema'
import { MAX_EVENT_LOOP_DELAY_MS } from './limits.ts'
import { readCredentials } from './oauth-credentials.ts'
import { parseBaseUrl, parseOrigins, parseTrustProxy, splitList } from './parse.ts'
import { Environment } from './settings.ts'
import { readSecrets, secretWarnings } from './webhook-secrets.ts'

/** Settings of a predecessor of this service that have no meaning here. */
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

/** With the default of `strictNumbers`, 1e999 would pass every bound. */
const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  coerceTypes: true,
  removeAdditional: true,
  strictNumbers: false
})

/** The configuration of the service, read once at start. */
export type Config = Readonly<ReturnType<typeof toConfig>>
/** The connection to MySQL, and the bounds of the pool. */
export type MysqlConfig = Config['mysql']

/** An invalid configuration. The message has one line for each fault, with the name of the setting. */
export class ConfigError extends Error {
  /** @param faults one line each */
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
    /** What an operator should know when the service starts, a sentence each. */
    warnings: names
      .filter((name) => RETIRED.includes(name))
      .map((name) => `${name} has no meaning here and is ignored`)
      .concat(secretWarnings(webhookSecrets)),
    server: {
      host: e.HOST,
      port: e.PORT,
      trustProxy: attempt(() => parseTrustProxy(e.TRUST_PROXY)) ?? false,
      drainMs: e.SHUTDOWN_DRAIN_MS,
      maxEventLoopDelayMs: MAX_EVENT_LOOP_DELAY_MS
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
    /** The provider of access tokens for the supplier; null when none is configured. */
    oauth: attempt(() => readCredentials(e)) ?? null,
    supplier: {
      /** Null when there is no supplier. */
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
