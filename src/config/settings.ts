import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { StringEnum } from '../../schemas/types.ts'

/*
 * Every setting, described once: the environment is validated against these schemas, and `.env.example` and
 * `docs/configuration.md` are generated from them (`npm run docs`). A description is plain English and names the unit.
 */

const server = {
  NODE_ENV: Type.String({
    default: 'development',
    description:
      'With `production`, commands never start private servers and never fill a demo catalogue, and a missing setting is an error.'
  }),
  HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on. `0.0.0.0` is every IPv4 interface.' }),
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 3000,
    description: 'Port to listen on. 0 picks a free one.'
  }),
  TRUST_PROXY: Type.String({
    default: 'false',
    description:
      'Which proxies may set `X-Forwarded-For`: `true` (all), `false` (none), the number of proxies in front of the service, or their addresses and CIDR ranges, separated by commas.'
  }),
  CORS_ORIGINS: Type.String({
    default: '*',
    description: 'Origins whose pages may call the API from a browser, separated by commas. `*` is any origin.'
  }),
  SHUTDOWN_DRAIN_MS: Type.Integer({
    minimum: 0,
    maximum: 300_000,
    default: 5000,
    description:
      'Milliseconds between the signal to stop and closing. Requests are still served, while readiness answers 503, so that load balancers move on. On private servers the default is 0.'
  })
}

const logging = {
  LOG_LEVEL: StringEnum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    default: 'info',
    description: 'Lowest level that is logged.'
  }),
  LOG_FILE_PATH: Type.Optional(
    Type.String({
      description:
        'Write the log to files instead of standard output. `logs/aisle.log` becomes `logs/aisle.2026-03-01.1.log`, with a new file each day, and `logs/aisle.error.2026-03-01.1.log` with errors only. Each instance needs its own path.'
    })
  ),
  LOG_MAX_SIZE: Type.String({
    pattern: '^[1-9][0-9]{0,5}[kmgKMG]$',
    default: '100m',
    description: 'Size at which a new log file is started: a number followed by `k`, `m` or `g`.'
  }),
  LOG_MAX_FILES: Type.Integer({
    minimum: 2,
    maximum: 10_000,
    default: 7,
    description: 'Number of log files to keep, the current one included; as many files with errors are kept as well.'
  })
}

const mysql = {
  DB_HOST: Type.Optional(
    Type.String({
      description: 'Host of MySQL 8.0 or newer, or MariaDB 10.11 or newer. Required unless `DB_SOCKET` is set.'
    })
  ),
  DB_PORT: Type.Integer({ minimum: 1, maximum: 65_535, default: 3306, description: 'Port of the database server.' }),
  DB_SOCKET: Type.Optional(
    Type.String({ description: 'Path of a Unix socket of the database server, instead of host and port.' })
  ),
  DB_USER: Type.Optional(Type.String({ description: 'Database user. Required.' })),
  DB_PASSWORD: Type.String({ default: '', description: 'Password of the database user.' }),
  DB_NAME: Type.Optional(Type.String({ description: 'Name of the database. Required.' })),
  DB_SSL_CA: Type.Optional(
    Type.String({ description: 'Path of a PEM file. Connections use TLS and trust this certificate authority only.' })
  ),
  DB_CONNECTION_LIMIT: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 10,
    description:
      'Maximum number of connections in the pool of one instance. A few more connections are used outside the pool, for the change log, keys, exports and webhooks.'
  }),
  DB_QUEUE_LIMIT: Type.Integer({
    minimum: 0,
    maximum: 100_000,
    default: 200,
    description: 'Maximum number of calls of one instance that wait for a connection. Further ones are answered 503.'
  }),
  DB_QUERY_TIMEOUT_MS: Type.Integer({
    minimum: 50,
    maximum: 60_000,
    default: 1000,
    description:
      'Milliseconds that a call of the database may take, waiting for a connection included. After that the request is answered 503.'
  })
}

const redis = {
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^(rediss?://.+|/.+)$',
      description:
        'Redis 7 or newer, or Valkey: `redis://…`, `rediss://…` (TLS) or the path of a Unix socket. Required.'
    })
  ),
  REDIS_KEY_PREFIX: Type.String({
    maxLength: 64,
    default: 'aisle:',
    description: 'Prefix of all keys in Redis. Services that share a Redis need different prefixes.'
  })
}

const cache = {
  CACHE_TTL_SHORT: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: 300,
    description: 'Seconds that an unchanged list is served from the cache. A change shows within 1 second regardless.'
  }),
  CACHE_TTL_MEDIUM: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: 3600,
    description:
      'Seconds that an unchanged product is served from the cache. A change shows within 1 second regardless.'
  }),
  CACHE_MEMORY_MB: Type.Integer({
    minimum: 1,
    maximum: 16_384,
    default: 64,
    description: 'MiB of responses that one instance keeps in memory.'
  })
}

const access = {
  PUBLIC_READ: Type.Boolean({
    default: true,
    description: 'Whether products can be read without an API key. Writing always needs a key.'
  }),
  METRICS_REQUIRE_KEY: Type.Boolean({
    default: false,
    description: 'Whether `GET /metrics` needs an API key with the scope `ops:read`.'
  }),
  RATE_LIMIT_ENABLED: Type.Boolean({
    default: true,
    description: 'Whether requests are limited per client. Turn it off when a gateway does that.'
  }),
  RATE_LIMIT_MAX_REQUESTS: Type.Integer({
    minimum: 1,
    maximum: 1_000_000_000_000,
    default: 6000,
    description:
      'Number of requests that one client may send within any window, for each class of routes (lists, writes and so on). API keys can have limits of their own.'
  }),
  RATE_LIMIT_WINDOW_MS: Type.Integer({
    minimum: 1,
    maximum: 2_678_400_000,
    default: 60_000,
    description: 'Length of the rate limit window in milliseconds.'
  })
}

const changes = {
  CHANGES_RETENTION_HOURS: Type.Integer({
    minimum: 1,
    maximum: 87_600,
    default: 168,
    description:
      'Hours that a change stays in the change feed, `GET /api/v1/products/changes`. Readers that stay away longer have to start again. A million changes take 0.3 to 0.4 GB of MySQL.'
  })
}

const webhooks = {
  WEBHOOK_SECRET: Type.String({
    default: '',
    description:
      'Secret that webhooks are signed with, of at least 24 bytes; several, separated by commas, while one replaces another. `whsec_…` is base64, anything else is taken literally. Without a secret the receiver answers 503.'
  }),
  WEBHOOK_TOLERANCE_SECONDS: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    default: 300,
    description: 'Seconds that the timestamp in a signature (Standard Webhooks) may differ from the clock, either way.'
  }),
  WEBHOOK_RETENTION_DAYS: Type.Integer({
    minimum: 1,
    maximum: 3650,
    default: 30,
    description: 'Days that a processed event is kept, and recognised as a duplicate when it is delivered again.'
  }),
  WEBHOOK_WORKER: Type.Boolean({
    default: true,
    description:
      'Whether this instance processes webhooks. If not, it only records them, for other instances or `npm run worker`.'
  })
}

const supplier = {
  EXTERNAL_API_BASE_URL: Type.Optional(
    Type.String({
      description:
        "Base URL of the supplier's API, which is asked for live stock and read by `npm run sync`. Without it, availability comes from the catalogue. On private servers the default is a simulator."
    })
  ),
  EXTERNAL_API_TIMEOUT: Type.Integer({
    minimum: 1,
    maximum: 600_000,
    default: 2000,
    description:
      'Milliseconds that one attempt of a call to the supplier may take. A shorter deadline of the call, such as `AVAILABILITY_DEADLINE_MS`, comes first.'
  }),
  EXTERNAL_API_RETRY_ATTEMPTS: Type.Integer({
    minimum: 1,
    maximum: 10,
    default: 3,
    description: 'Maximum number of attempts of a call to the supplier, the first one included.'
  }),
  EXTERNAL_API_RETRY_DELAY: Type.Integer({
    minimum: 1,
    maximum: 60_000,
    default: 100,
    description:
      'Longest delay before the second attempt, in milliseconds. It doubles with each further attempt; the actual delay is random (full jitter).'
  }),
  AVAILABILITY_DEADLINE_MS: Type.Integer({
    minimum: 1,
    maximum: 60_000,
    default: 800,
    description:
      'Milliseconds within which availability is answered. If the supplier takes longer, the answer comes from the catalogue.'
  }),
  CIRCUIT_BREAKER_THRESHOLD: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 5,
    description:
      'Number of failures within 10 seconds that opens the circuit breaker, provided that at least half of the calls failed.'
  }),
  CIRCUIT_BREAKER_RESET_TIMEOUT: Type.Integer({
    minimum: 1,
    maximum: 3_600_000,
    default: 10_000,
    description:
      'Milliseconds until an open circuit breaker lets a trial call through, plus up to a quarter at random. The time doubles while trial calls fail, up to eight times.'
  })
}

const oauth = {
  OAUTH_TOKEN_URL: Type.Optional(
    Type.String({
      description:
        'OAuth 2.0 token endpoint that issues access tokens for the supplier (client credentials grant). Without it, calls to the supplier carry no token.'
    })
  ),
  OAUTH_CLIENT_ID: Type.Optional(Type.String({ description: 'Client id. Required with `OAUTH_TOKEN_URL`.' })),
  OAUTH_CLIENT_SECRET: Type.Optional(Type.String({ description: 'Client secret. Required with `OAUTH_TOKEN_URL`.' })),
  OAUTH_SCOPE: Type.Optional(Type.String({ description: 'Scope to request.' })),
  OAUTH_AUDIENCE: Type.Optional(Type.String({ description: 'Audience to request.' })),
  OAUTH_CLIENT_AUTH: StringEnum(['basic', 'post'], {
    default: 'basic',
    description:
      'How the client authenticates at the token endpoint: `basic` in the `Authorization` header, `post` in the body.'
  })
}

/** The settings in the order of the documentation, by topic. */
export const settingGroups: readonly { title: string; settings: Readonly<Record<string, TSchema>> }[] = [
  { title: 'Server', settings: server },
  { title: 'Log', settings: logging },
  { title: 'MySQL or MariaDB', settings: mysql },
  { title: 'Redis', settings: redis },
  { title: 'Cache', settings: cache },
  { title: 'Access and rate limits', settings: access },
  { title: 'Change feed', settings: changes },
  { title: 'Webhooks', settings: webhooks },
  { title: 'Supplier', settings: supplier },
  { title: 'Access tokens for the supplier', settings: oauth }
]

/** The schema of the environment variables of the service. */
export const Environment = Type.Object({
  ...server,
  ...logging,
  ...mysql,
  ...redis,
  ...cache,
  ...access,
  ...changes,
  ...webhooks,
  ...supplier,
  ...oauth
})
/** The environment variables of the service, validated, with their defaults. */
export type Environment = Static<typeof Environment>
