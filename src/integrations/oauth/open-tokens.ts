import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { Agent } from 'undici'
import type { OAuthCredentials } from '../../config/oauth-credentials.ts'
import type { Metrics } from '../../platform/metrics/metrics.ts'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import { createTokenManager, type FetchOutcome, type TokenManager } from './token-manager.ts'
import { createTokenProvider, MAX_TOKEN_RESPONSE_BYTES } from './token-provider.ts'
import { createTokenSeal } from './token-seal.ts'
import { createTokenStore } from './token-store.ts'

/** A token manager with its connections to the provider. */
export interface OpenTokens {
  tokens: TokenManager
  /** Closes the connections to the provider. */
  close(): Promise<void>
}

interface OpenTokensOptions {
  credentials: OAuthCredentials
  /** Where the token is shared with other processes. */
  redis: Redis
  guard: RedisGuard
  /** Called after every request to the provider. */
  onFetch?: (outcome: FetchOutcome) => void
}

const TIMEOUT_MS = 5000
/** Longer than a request takes: an instance that holds the lock for longer has failed. */
const LOCK_MS = TIMEOUT_MS + 2000

/** Opens the access tokens of one process: a manager with its connections to the provider and its place in Redis. */
export function openTokens({ credentials, redis, guard, onFetch = () => {} }: OpenTokensOptions): OpenTokens {
  const dispatcher = new Agent({ connections: 1, maxResponseSize: MAX_TOKEN_RESPONSE_BYTES })
  const seal = createTokenSeal(credentials, randomBytes)
  const tokens = createTokenManager({
    requestToken: createTokenProvider({ credentials, dispatcher, timeoutMs: TIMEOUT_MS }),
    store: createTokenStore({ client: redis, guard, seal, lockMs: LOCK_MS }),
    seal,
    lockMs: LOCK_MS,
    nowMs: () => performance.now(),
    random: Math.random,
    randomBytes,
    onFetch
  })
  return { tokens, close: () => dispatcher.destroy() }
}

/**
 * Adds the metrics of access tokens.
 * @param readAgeMs returns the age of the token in memory; undefined when there is none
 * @returns counts a request to the provider
 */
export function addTokenMetrics(metrics: Metrics, readAgeMs: () => number | undefined): (fetch: FetchOutcome) => void {
  const fetches = metrics.counter({
    name: 'aisle_token_fetches_total',
    help: 'Requests for access tokens by outcome: issued, refused (the provider rejects the credentials), unavailable. Present if a provider is configured.',
    labelNames: ['outcome']
  })
  metrics.gauge({
    name: 'aisle_token_age_seconds',
    help: 'Age of the access token in memory. Absent while there is no token.',
    collect() {
      const ageMs = readAgeMs()
      if (ageMs === undefined) this.remove()
      else this.set(ageMs / 1000)
    }
  })
  return ({ outcome }) => fetches.labels({ outcome }).inc()
}
