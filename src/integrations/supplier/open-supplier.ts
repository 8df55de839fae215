import { Agent } from 'undici'
import type { Config } from '../../config/config.ts'
import { closeRedisClient, openRedisClient } from '../../platform/redis/redis-client.ts'
import { createRedisGuard } from '../../platform/redis/redis-guard.ts'
import { openTokens } from '../oauth/open-tokens.ts'
import { createTokenAuthorizer } from '../oauth/token-authorizer.ts'
import type { Authorizer } from '../upstream/authorizer.ts'
import { createCircuitBreaker } from '../upstream/circuit-breaker.ts'
import { createUpstreamClient, type UpstreamClient } from '../upstream/upstream-client.ts'

export interface OpenSupplier {
  client: UpstreamClient
  close(): Promise<void>
}

const NAME = 'Supplier'
/** An attempt may take longer than one that a client waits for. */
const MIN_ATTEMPT_TIMEOUT_MS = 30_000
/** Of a page, with the client's own retries. */
const DEADLINE_MS = 120_000
const REDIS_BUDGET_MS = 1000

/**
 * A client of the supplier for a command, which calls it one page at a time, with a breaker of its own and the access token
 * that all processes share.
 * @param baseUrl of the supplier's API
 */
export async function openSupplier(baseUrl: string, config: Config): Promise<OpenSupplier> {
  const { attemptTimeoutMs, attempts, retryDelayMs } = config.supplier
  const timeoutMs = Math.max(attemptTimeoutMs, MIN_ATTEMPT_TIMEOUT_MS)
  const nowMs = () => performance.now()
  const tokens = await openAuthorizer(config)
  const dispatcher = new Agent({
    connections: 1,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: attemptTimeoutMs }
  })
  const client = createUpstreamClient({
    baseUrl,
    dispatcher,
    breaker: createCircuitBreaker({ name: NAME, ...config.breaker, nowMs, random: Math.random }),
    authorizer: tokens?.authorizer,
    attemptTimeoutMs: timeoutMs,
    attempts,
    retryDelayMs,
    deadlineMs: DEADLINE_MS,
    maxConcurrent: 1,
    maxWaiting: 0,
    nowMs,
    random: Math.random
  })
  return {
    client,
    async close() {
      await dispatcher.destroy()
      await tokens?.close()
    }
  }
}

/** Undefined where no provider of tokens is configured. */
async function openAuthorizer(config: Config): Promise<{ authorizer: Authorizer; close(): Promise<void> } | undefined> {
  if (config.oauth === null) return undefined
  const redis = openRedisClient(config.redis)
  // Without Redis there is a token all the same, of this process alone.
  redis.on('error', () => {})
  await redis.connect().catch(() => {})
  const guard = createRedisGuard({ budgetMs: REDIS_BUDGET_MS, nowMs: () => performance.now(), onDown() {}, onUp() {} })
  const { manager, close } = openTokens({ credentials: config.oauth, redis, guard, onFetch() {} })
  return {
    authorizer: createTokenAuthorizer(manager),
    async close() {
      await close()
      await closeRedisClient(redis)
    }
  }
}
