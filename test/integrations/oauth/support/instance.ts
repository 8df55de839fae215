import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { Agent } from 'undici'
import type { Credentials } from '../../../../src/config/oauth-credentials.ts'
import { type FetchOutcome, type TokenManager, tokenManager } from '../../../../src/integrations/oauth/token-manager.ts'
import { MAX_ANSWER_BYTES, tokenProvider } from '../../../../src/integrations/oauth/token-provider.ts'
import { tokenSeal } from '../../../../src/integrations/oauth/token-seal.ts'
import { type TokenStore, tokenStore } from '../../../../src/integrations/oauth/token-store.ts'
import { redisGuard } from '../../../../src/platform/redis/redis-guard.ts'

export interface InstanceOptions {
  credentials: Credentials
  redisUrl: string
  keyPrefix: string
  timeoutMs?: number
  lockMs?: number
  /** Generous, where it is not what a test is about. */
  budgetMs?: number
  nowMs?: () => number
}

export interface Instance extends TokenManager {
  readonly redis: Redis
  /** Of the token in Redis; the other keys begin so. */
  readonly tokenKey: string
  readonly store: TokenStore
  readonly fetches: readonly FetchOutcome[]
  close(): Promise<void>
}

/** What one instance of the service has, with a connection to Redis of its own. */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { credentials, redisUrl, keyPrefix, timeoutMs = 30_000, lockMs = 60_000, budgetMs = 30_000 } = options
  const nowMs = options.nowMs ?? (() => performance.now())
  const redis = new Redis(redisUrl, {
    ...{ keyPrefix, lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 },
    retryStrategy: () => 50
  })
  redis.on('error', () => {})
  await redis.connect().catch(() => {})
  const guard = redisGuard({ budgetMs, nowMs: () => performance.now(), onDown() {}, onUp() {} })
  const seal = tokenSeal(credentials, randomBytes)
  const store = tokenStore({ client: redis, guard, seal, lockMs })
  const dispatcher = new Agent({ connections: 1, maxResponseSize: MAX_ANSWER_BYTES })
  const requestToken = tokenProvider({ credentials, dispatcher, timeoutMs })
  const fetches: FetchOutcome[] = []
  const manager = tokenManager({
    ...{ requestToken, store, seal, lockMs, nowMs, random: Math.random, randomBytes },
    onFetch: (outcome) => fetches.push(outcome)
  })
  return {
    ...{ get: manager.get, invalidate: manager.invalidate, redis, store, fetches, tokenKey: `token:{${seal.name}}` },
    get ageMs() {
      return manager.ageMs
    },
    async close() {
      redis.disconnect()
      await dispatcher.destroy()
    }
  }
}
