import { setTimeout as wait } from 'node:timers/promises'
import { longestBackoffMs } from '../../platform/lib/backoff.ts'
import { createSingleFlight } from '../../platform/lib/single-flight.ts'
import type { TokenSource } from '../upstream/upstream-client.ts'
import { type RequestToken, TokenError, type TokenFailure } from './token-provider.ts'
import type { TokenSeal } from './token-seal.ts'
import type { SharedToken, TokenStore } from './token-store.ts'

/** Access tokens of one process. */
export interface TokenManager extends TokenSource {
  /**
   * Returns a token that can be used now: from memory, without a round trip, if there is one.
   * @throws {TokenError}
   */
  get(): Promise<string>
  /**
   * Reports that this token was answered with 401. No instance uses it again, and the next call fetches another one. A
   * second token that is refused within 10 s is kept: a third would not help.
   */
  invalidate(token: string): Promise<void>
  /** How long ago the token in memory was requested, in ms; undefined when there is none. */
  readonly ageMs: number | undefined
}

/** The outcome of a request to the provider. */
export type FetchOutcome = { outcome: 'issued' } | { outcome: TokenFailure; error: TokenError }

interface TokenManagerOptions {
  requestToken: RequestToken
  store: TokenStore
  seal: TokenSeal
  /** How long the lock lasts, and so how long to wait for an instance that holds it. */
  lockMs: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** A random number from 0 to 1. */
  random: () => number
  randomBytes: (size: number) => Buffer
  /** Called after every request to the provider. */
  onFetch: (outcome: FetchOutcome) => void
}

interface CurrentToken {
  value: string
  id: string
  requestedAtMs: number
  refreshAtMs: number
  expiresAtMs: number
}

const FLIGHT = 'token'
const POLL_MS = 50
/** A token is replaced when half of its useful life is over, so that the provider may fail during the other half. */
const REFRESH_SHARE = 0.5
/** Each instance takes off a random part of it, so that not all of them ask at once. */
const JITTER_SHARE = 0.1
/** How long no instance asks a provider again that refuses our credentials. */
const REFUSED_PAUSE_MS = 10_000
/** How long no instance asks a provider again that is unavailable; half of it at least. */
const UNAVAILABLE_BACKOFF = { baseMs: 500, maxMs: 5000 }
/** How soon to try again to replace a token that is still valid, when another instance does it or Redis is away. */
const REFRESH_RETRY_MS = 500
/** How often a 401 makes an instance ask for a new token at most. */
const REJECTION_INTERVAL_MS = 10_000

/**
 * Makes a token manager. A token comes from memory, else from Redis, else from the provider, which one instance asks
 * under a lock. It is replaced in the background, while callers get the old one, also when replacing it fails.
 *
 * The lock saves requests; nothing depends on it. An instance that cannot get it in time, or has no Redis, asks for a
 * token of its own.
 */
export function createTokenManager(options: TokenManagerOptions): TokenManager {
  const { requestToken, store, seal, lockMs, nowMs, random, randomBytes, onFetch } = options
  const flights = createSingleFlight<typeof FLIGHT, CurrentToken>()
  let current: CurrentToken | undefined
  let failure: { error: TokenError; untilMs: number } | undefined
  let failures = 0
  let rejectedId = ''
  let mayRejectFromMs = Number.NEGATIVE_INFINITY

  async function get(): Promise<string> {
    const now = nowMs()
    const isPausing = failure !== undefined && now < failure.untilMs
    if (current !== undefined && now < current.expiresAtMs) {
      // A caller that comes after the token has expired gets the error.
      if (now >= current.refreshAtMs && !isPausing) flights.run(FLIGHT, obtain).catch(() => {})
      return current.value
    }
    if (failure !== undefined && isPausing && !flights.has(FLIGHT)) throw failure.error
    const token = await flights.run(FLIGHT, obtain)
    return token.value
  }

  async function obtain(): Promise<CurrentToken> {
    const owner = randomBytes(12).toString('base64url')
    const giveUpAtMs = nowMs() + lockMs
    for (;;) {
      const claimedAtMs = nowMs()
      const claim = await store.claim(owner, [current?.id ?? '', rejectedId])
      if (claim.state === 'found') return adopt(claim.token, claimedAtMs)
      if (claim.state === 'failed') throw pause(new TokenError(claim.kind, 'the provider gave none'), claim.leftMs)
      if (claim.state === 'claimed') return await fetch(owner)
      const now = nowMs()
      if (current !== undefined && now < current.expiresAtMs) {
        current.refreshAtMs = now + REFRESH_RETRY_MS
        return current
      }
      if (claim.state === 'unavailable' || now >= giveUpAtMs) return await fetch(owner)
      await wait(POLL_MS * (0.5 + random()))
    }
  }

  async function fetch(owner: string): Promise<CurrentToken> {
    const requestedAtMs = nowMs()
    const { value, usefulMs } = await requestToken().catch((error: TokenError) => {
      const forMs = pauseMsAfter(error)
      onFetch({ outcome: error.kind, error })
      // Callers do not wait for Redis.
      store.fail(owner, error.kind, forMs)
      throw pause(error, forMs)
    })
    onFetch({ outcome: 'issued' })
    const token = { value, id: seal.idOf(value), usefulMs, leftMs: usefulMs - (nowMs() - requestedAtMs) }
    const putAtMs = nowMs()
    const other = await store.put(owner, token)
    const isNewer = other !== undefined && other.id !== rejectedId && other.id !== current?.id
    return adopt(isNewer ? other : token, putAtMs)
  }

  function adopt({ value, id, usefulMs, leftMs }: SharedToken, atMs: number): CurrentToken {
    const expiresAtMs = atMs + leftMs
    const requestedAtMs = expiresAtMs - usefulMs
    const refreshAtMs = requestedAtMs + usefulMs * (REFRESH_SHARE - JITTER_SHARE * random())
    failure = undefined
    failures = 0
    current = { value, id, requestedAtMs, refreshAtMs, expiresAtMs }
    return current
  }

  function pauseMsAfter({ kind, retryAfterMs = 0 }: TokenError): number {
    if (kind === 'refused') return Math.max(REFUSED_PAUSE_MS, retryAfterMs)
    const longestMs = longestBackoffMs(++failures, UNAVAILABLE_BACKOFF)
    return Math.max(longestMs * (0.5 + 0.5 * random()), retryAfterMs)
  }

  function pause(error: TokenError, forMs: number): TokenError {
    failure = { error, untilMs: nowMs() + forMs }
    return error
  }

  async function invalidate(token: string): Promise<void> {
    const id = seal.idOf(token)
    // An older token is gone already.
    if (current?.id !== id || nowMs() < mayRejectFromMs) return
    mayRejectFromMs = nowMs() + REJECTION_INTERVAL_MS
    rejectedId = id
    current = undefined
    await store.drop(id)
  }

  return {
    get,
    invalidate,
    get ageMs() {
      return current && nowMs() - current.requestedAtMs
    }
  }
}
