import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { Agent } from 'undici'
import type { OAuthCredentials } from '../../config/oauth-credentials.ts'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import { createTokenManager, type FetchOutcome, type TokenManager } from './token-manager.ts'
import { createTokenProvider, MAX_ANSWER_BYTES } from './token-provider.ts'
import { createTokenSeal } from './token-seal.ts'
import { createTokenStore } from './token-store.ts'

export interface OpenTokens {
  manager: TokenManager
  /** Ends its connections to the provider. */
  close(): Promise<void>
}

interface OpenTokensOptions {
  credentials: OAuthCredentials
  /** Where the token is that all processes share. */
  redis: Redis
  guard: RedisGuard
  /** Told of every request to the provider. */
  onFetch: (outcome: FetchOutcome) => void
}

const TIMEOUT_MS = 5000
/** Whoever holds the lock for longer has come to harm. */
const LOCK_MS = TIMEOUT_MS + 2000

/** The access token of one process: with connections of its own to the provider, and its place in Redis. */
export function openTokens({ credentials, redis, guard, onFetch }: OpenTokensOptions): OpenTokens {
  const dispatcher = new Agent({ connections: 1, maxResponseSize: MAX_ANSWER_BYTES })
  const seal = createTokenSeal(credentials, randomBytes)
  const manager = createTokenManager({
    requestToken: createTokenProvider({ credentials, dispatcher, timeoutMs: TIMEOUT_MS }),
    store: createTokenStore({ client: redis, guard, seal, lockMs: LOCK_MS }),
    seal,
    lockMs: LOCK_MS,
    nowMs: () => performance.now(),
    random: Math.random,
    randomBytes,
    onFetch
  })
  return { manager, close: () => dispatcher.destroy() }
}
