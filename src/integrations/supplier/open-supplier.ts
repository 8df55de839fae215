import { Agent } from 'undici'
import type { Config } from '../../config/config.ts'
import { SUPPLIER_CONNECTIONS, SUPPLIER_MAX_WAITING } from '../../config/limits.ts'
import { closeRedisClient, openRedisClient } from '../../platform/redis/redis-client.ts'
import { createRedisGuard } from '../../platform/redis/redis-guard.ts'
import { type OpenTokens, openTokens } from '../oauth/open-tokens.ts'
import { type CircuitBreaker, createCircuitBreaker } from '../upstream/circuit-breaker.ts'
import { createUpstreamClient, type TokenSource, type UpstreamClient } from '../upstream/upstream-client.ts'

/** A client of the supplier with its connections. */
export interface OpenSupplier {
  client: UpstreamClient
  close(): Promise<void>
}

interface OpenSupplierOptions {
  baseUrl: string
  settings: Omit<Config['supplier'], 'baseUrl'>
  breaker: CircuitBreaker
  /** Calls carry no token without one. */
  tokens?: TokenSource | undefined
  /** Who calls: a process that serves requests, or a command that reads one page of the feed at a time. */
  caller: keyof typeof LIMITS
}

/** The name of the supplier in errors, log lines and metrics. */
export const SUPPLIER = 'Supplier'
const LIMITS = {
  service: {
    maxConcurrent: SUPPLIER_CONNECTIONS,
    maxWaiting: SUPPLIER_MAX_WAITING,
    deadlineMs: 10_000,
    minAttemptTimeoutMs: 0
  },
  command: { maxConcurrent: 1, maxWaiting: 0, deadlineMs: 120_000, minAttemptTimeoutMs: 30_000 }
}
const COMMAND_REDIS_BUDGET_MS = 1000

/** Opens a client of the supplier's API. */
export function openSupplier({ baseUrl, settings, breaker, tokens, caller }: OpenSupplierOptions): OpenSupplier {
  const { minAttemptTimeoutMs, ...limits } = LIMITS[caller]
  const dispatcher = new Agent({
    connections: limits.maxConcurrent,
    pipelining: 1,
    // With HTTP/2 a connection carries any number of calls, and a limit of connections limits nothing.
    allowH2: false,
    connect: { timeout: settings.attemptTimeoutMs }
  })
  const client = createUpstreamClient({
    ...settings,
    ...limits,
    attemptTimeoutMs: Math.max(settings.attemptTimeoutMs, minAttemptTimeoutMs),
    baseUrl,
    dispatcher,
    breaker,
    tokens,
    nowMs: () => performance.now(),
    random: Math.random
  })
  return { client, close: () => dispatcher.destroy() }
}

/**
 * Opens a client of the supplier's API for a command, with a circuit breaker of its own and the access token that all
 * processes share.
 */
export async function openSupplierForCommand(baseUrl: string, config: Config): Promise<OpenSupplier> {
  const { supplier, breaker, oauth, redis } = config
  const openedTokens = oauth === null ? undefined : await openSharedTokens(oauth, redis)
  const { client, close } = openSupplier({
    baseUrl,
    settings: supplier,
    breaker: createCircuitBreaker({
      name: SUPPLIER,
      ...breaker,
      nowMs: () => performance.now(),
      random: Math.random
    }),
    tokens: openedTokens?.tokens,
    caller: 'command'
  })
  return {
    client,
    async close() {
      await close()
      await openedTokens?.close()
    }
  }
}

async function openSharedTokens(
  credentials: NonNullable<Config['oauth']>,
  settings: Config['redis']
): Promise<OpenTokens> {
  const redis = openRedisClient(settings)
  // Without Redis the command gets a token of its own.
  redis.on('error', () => {})
  await redis.connect().catch(() => {})
  const guard = createRedisGuard({
    budgetMs: COMMAND_REDIS_BUDGET_MS,
    nowMs: () => performance.now(),
    onDown() {},
    onUp() {}
  })
  const { tokens, close } = openTokens({ credentials, redis, guard })
  return {
    tokens,
    async close() {
      await close()
      await closeRedisClient(redis)
    }
  }
}
