import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { Agent } from 'undici'
import type { Credentials } from '../../config/oauth-credentials.ts'
import type { RedisGuard } from '../../platform/redis/redis-guard.ts'
import { type FetchOutcome, type TokenManager, tokenManager } from './token-manager.ts'
import { MAX_ANSWER_BYTES, tokenProvider } from './token-provider.ts'
import { tokenSeal } from './token-seal.ts'
import { tokenStore } from './token-store.ts'

export interface OpenTokens {
  manager: TokenManager
  /** Ends its connections to the provider. */
  close(): Promise<void>
}

interface OpenTokensOptions {
  credentials: Credentials
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
  const seal = tokenSeal(credentials, randomBytes)
  const manager = tokenManager({
    requestToken: tokenProvider({ credentials, dispatcher, timeoutMs: TIMEOUT_MS }),
    store: tokenStore({ client: redis, guard, seal, lockMs: LOCK_MS }),
    seal,
    lockMs: LOCK_MS,
    nowMs: () => performance.now(),
    random: Math.random,
    randomBytes,
    onFetch
  })
  return { manager, close: () => dispatcher.destroy() }
}
