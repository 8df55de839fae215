import { setTimeout as wait } from 'node:timers/promises'
import { unlessAborted } from '../../platform/lib/time-limit.ts'
import { TokenError } from './token-error.ts'
import { dueAfterMs } from './token-lifetime.ts'
import type { RequestToken } from './token-provider.ts'
import type { TokenSeal } from './token-seal.ts'
import type { SharedToken, TokenStore } from './token-store.ts'

export interface TokenManager {
  /**
   * A token that is of use now: from memory, without a round trip, unless there is none.
   * @param signal ends the waiting, with its reason; others go on to wait for the same token
   * @throws {TokenError}
   */
  get(signal?: AbortSignal): Promise<string>
  /**
   * The token was answered with 401: it is not given out again, here and elsewhere, and the next call brings another one.
   * Where a second token is refused right after the first, a third would not help: it stays.
   */
  invalidate(token: string): Promise<void>
  /** How long ago the token in memory was asked for; undefined while there is none. */
  readonly ageMs: number | undefined
}

/** What became of a request to the provider. */
export type FetchOutcome = { outcome: 'issued' } | { outcome: TokenError['kind']; error: TokenError }

interface TokenManagerOptions {
  requestToken: RequestToken
  store: TokenStore
  seal: TokenSeal
  /** For how long another one's fetching is waited for: that of the lock. */
  lockMs: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** From 0 to 1. */
  random: () => number
  randomBytes: (size: number) => Buffer
  /** Told of every request to the provider. */
  onFetch: (outcome: FetchOutcome) => void
}

interface HeldToken {
  value: string
  id: string
  askedAtMs: number
  dueAtMs: number
  dueAloneAtMs: number
  expiresAtMs: number
}

const POLL_MS = 50
/** For how long nobody asks a provider again that does not take our credentials; longer, if it says so. */
const REFUSED_MS = 10_000
/** The same for one that does not answer: doubled with each failure in a row, up to the last; shortened at random. */
const UNAVAILABLE_MS = 500
const MAX_UNAVAILABLE_MS = 5000
/** While another instance replaces a token that still holds, or Redis is away, this one looks so often. */
const LOOK_AGAIN_MS = 500
/** How often at most a 401 makes an instance ask for a new token. */
const REJECTION_INTERVAL_MS = 10_000

/**
 * Holds an access token: from memory, from Redis, or from the provider, by one instance under a lock. A token is replaced
 * when half of its life is over, behind the back of those who get the old one meanwhile, also when that fails.
 *
 * The lock is for the provider's sake: whoever cannot get it in time, or has no Redis, asks for a token alone. The worst
 * that comes of it is a token too many.
 */
export function createTokenManager(options: TokenManagerOptions): TokenManager {
  const { requestToken, store, seal, lockMs, nowMs, random, randomBytes, onFetch } = options
  let held: HeldToken | undefined
  let flight: Promise<HeldToken> | undefined
  let failure: { error: TokenError; untilMs: number } | undefined
  let failuresInRow = 0
  let rejectedId = ''
  let rejectableFromMs = Number.NEGATIVE_INFINITY

  async function get(signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted()
    const now = nowMs()
    const mayFetch = failure === undefined || now >= failure.untilMs
    if (held !== undefined && now < held.expiresAtMs) {
      // Whoever asks once it has expired meets the error.
      if (now >= held.dueAtMs && mayFetch) fly().catch(() => {})
      return held.value
    }
    if (failure !== undefined && !mayFetch && flight === undefined) throw failure.error
    const token = await (signal === undefined ? fly() : unlessAborted(signal, fly()))
    return token.value
  }

  function fly(): Promise<HeldToken> {
    flight ??= obtain().finally(() => {
      flight = undefined
    })
    return flight
  }

  async function obtain(): Promise<HeldToken> {
    const owner = randomBytes(12).toString('base64url')
    const giveUpAtMs = nowMs() + lockMs
    for (;;) {
      const askedAtMs = nowMs()
      const claim = await store.claim(owner, [held?.id ?? '', rejectedId])
      if (claim.state === 'found') return hold(claim.token, askedAtMs)
      if (claim.state === 'failed') throw leaveAlone(new TokenError(claim.kind, 'the provider gave none'), claim.leftMs)
      if (claim.state === 'claimed') return await fetch(owner, claim.fence)
      const now = nowMs()
      const isAway = claim.state === 'unavailable'
      if (held !== undefined && now < (isAway ? held.dueAloneAtMs : held.expiresAtMs)) {
        held.dueAtMs = now + LOOK_AGAIN_MS
        return held
      }
      if (isAway || now >= giveUpAtMs) return await fetch(owner, undefined)
      await wait(POLL_MS * (0.5 + random()))
    }
  }

  /** @param fence of the lock; undefined without */
  async function fetch(owner: string, fence: string | undefined): Promise<HeldToken> {
    const askedAtMs = nowMs()
    const { value, usefulMs } = await requestToken().catch((error: TokenError) => {
      const forMs = pauseAfter(error)
      onFetch({ outcome: error.kind, error })
      // Nobody waits for Redis to know.
      store.fail(owner, error.kind, forMs)
      throw leaveAlone(error, forMs)
    })
    onFetch({ outcome: 'issued' })
    const leftMs = usefulMs - (nowMs() - askedAtMs)
    const token = { value, id: seal.idOf(value), usefulMs, leftMs }
    const putAtMs = nowMs()
    const newer = await store.put(owner, fence, token)
    return newer === undefined || newer.id === rejectedId ? hold(token, putAtMs) : hold(newer, putAtMs)
  }

  function hold({ value, id, usefulMs, leftMs }: SharedToken, atMs: number): HeldToken {
    const expiresAtMs = atMs + leftMs
    const askedAtMs = expiresAtMs - usefulMs
    failure = undefined
    failuresInRow = 0
    const { due, dueAlone } = dueAfterMs(usefulMs, random())
    held = { value, id, askedAtMs, dueAtMs: askedAtMs + due, dueAloneAtMs: askedAtMs + dueAlone, expiresAtMs }
    return held
  }

  function pauseAfter({ kind, retryAfterMs = 0 }: TokenError): number {
    if (kind === 'refused') return Math.max(REFUSED_MS, retryAfterMs)
    const backoffMs = Math.min(UNAVAILABLE_MS * 2 ** failuresInRow, MAX_UNAVAILABLE_MS)
    failuresInRow++
    return Math.max(backoffMs * (0.5 + 0.5 * random()), retryAfterMs)
  }

  function leaveAlone(error: TokenError, forMs: number): TokenError {
    failure = { error, untilMs: nowMs() + forMs }
    return error
  }

  async function invalidate(token: string): Promise<void> {
    const id = seal.idOf(token)
    // An older one is gone already.
    if (held?.id !== id || nowMs() < rejectableFromMs) return
    rejectableFromMs = nowMs() + REJECTION_INTERVAL_MS
    rejectedId = id
    held = undefined
    await store.drop(id)
  }

  return {
    get,
    invalidate,
    get ageMs() {
      return held && nowMs() - held.askedAtMs
    }
  }
}
