import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { Agent } from 'undici'
import type { OAuthCredentials } from '../../../../src/config/oauth-credentials.ts'
import {
  createTokenManager,
  type FetchOutcome,
  type TokenManager
} from '../../../../src/integrations/oauth/token-manager.ts'
import { createTokenProvider, MAX_TOKEN_RESPONSE_BYTES } from '../../../../src/integrations/oauth/token-provider.ts'
import { createTokenSeal } from '../../../../src/integrations/oauth/token-seal.ts'
import { createTokenStore, type TokenStore } from '../../../../src/integrations/oauth/token-store.ts'
import { createRedisGuard, type RedisGuard } from '../../../../src/platform/redis/redis-guard.ts'

export interface InstanceOptions {
  credentials: OAuthCredentials
  redisUrl: string
  keyPrefix: string
  timeoutMs?: number
  lockMs?: number
  /** The time for a Redis command; generous by default. */
  budgetMs?: number
  nowMs?: () => number
}

export interface Instance extends TokenManager {
  readonly redis: Redis
  /** The key of the token in Redis, and the prefix of the key of the lock. */
  readonly tokenKey: string
  readonly store: TokenStore
  readonly fetches: readonly FetchOutcome[]
  /** How many commands were sent to Redis for the token. */
  readonly commands: number
  close(): Promise<void>
}

/** Starts the token manager of one instance, with a connection to Redis of its own. */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { credentials, redisUrl, keyPrefix, timeoutMs = 30_000, lockMs = 60_000, budgetMs = 30_000 } = options
  const nowMs = options.nowMs ?? (() => performance.now())
  const redis = new Redis(redisUrl, {
    ...{ keyPrefix, lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 },
    retryStrategy: () => 50
  })
  redis.on('error', () => {})
  await redis.connect().catch(() => {})
  const { ask } = createRedisGuard({ budgetMs, nowMs: () => performance.now(), onDown() {}, onUp() {} })
  let commands = 0
  const guard: RedisGuard = {
    isDown: false,
    ask: (send) =>
      ask(() => {
        commands++
        return send()
      })
  }
  const seal = createTokenSeal(credentials, randomBytes)
  const store = createTokenStore({ client: redis, guard, seal, lockMs })
  const dispatcher = new Agent({ connections: 1, maxResponseSize: MAX_TOKEN_RESPONSE_BYTES })
  const requestToken = createTokenProvider({ credentials, dispatcher, timeoutMs })
  const fetches: FetchOutcome[] = []
  const manager = createTokenManager({
    ...{ requestToken, store, seal, lockMs, nowMs, random: Math.random, randomBytes },
    onFetch: (outcome) => fetches.push(outcome)
  })
  return {
    ...{ get: manager.get, invalidate: manager.invalidate, redis, store, fetches, tokenKey: `token:{${seal.name}}` },
    get ageMs() {
      return manager.ageMs
    },
    get commands() {
      return commands
    },
    async close() {
      redis.disconnect()
      await dispatcher.destroy()
    }
  }
}
