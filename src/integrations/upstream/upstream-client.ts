import type { Static, TSchema } from '@sinclair/typebox'
import type { Dispatcher } from 'undici'
import {
  type StartTimeout,
  startTimeout as startRealTimeout,
  unlessAborted,
  wait
} from '../../platform/lib/time-limit.ts'
import { createBulkhead } from './bulkhead.ts'
import type { CallOutcome, CircuitBreaker, Permit } from './circuit-breaker.ts'
import { startDeadline } from './deadline.ts'
import { type ExchangeOptions, exchange } from './exchange.ts'
import { createRetryBudget, retry } from './retry.ts'
import { isTransient, UpstreamError } from './upstream-error.ts'

/** One call of an upstream. */
export interface UpstreamCall<S extends TSchema> {
  /** The parts of the path, not encoded: `['availability', sku]`. */
  path: readonly string[]
  /** The query parameters; those that are undefined are left out. */
  query?: Readonly<Record<string, string | number | undefined>> | undefined
  /** `GET` by default. */
  method?: Dispatcher.HttpMethod
  /** Header fields by lower-case name. With an `idempotency-key` any method may be retried. */
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  body?: unknown
  /** What a 2xx response must be. */
  response: S
  /** The time for the whole call, with retries and waiting; that of the client by default. */
  deadlineMs?: number
  /** The longest body of a response; 1 MiB by default. */
  limitBytes?: number
  /** Ends the call at once, in any phase. */
  signal?: AbortSignal | undefined
}

/** Calls one upstream. */
export interface UpstreamClient {
  /** The name of the upstream, for errors. */
  readonly upstream: string
  /**
   * Calls the upstream: total deadline ( retries ( circuit breaker → time limit of an attempt → one exchange ) ).
   * @returns the response, which fits the schema
   * @throws {UpstreamError} of any kind; or what the token source throws
   * @throws {RangeError} when a part of the path is `.` or `..`
   */
  request<S extends TSchema>(call: UpstreamCall<S>): Promise<Static<S>>
}

/** Bearer tokens (RFC 6750) for an upstream, such as those of a token manager. */
export interface TokenSource {
  get(): Promise<string>
  /** Reports that the upstream answered a call with this token with 401. It must not be returned again. */
  invalidate(token: string): Promise<void>
}

/** The settings of a client, and what it works with. */
export interface UpstreamClientOptions {
  /** An origin, or a path at it that is put before the paths of all calls. */
  baseUrl: string
  /** With at least `maxConcurrent` connections for the origin. */
  dispatcher: Dispatcher
  /** Its name is the name of the upstream in errors. */
  breaker: CircuitBreaker
  /** Calls carry no token without one. */
  tokens?: TokenSource | undefined
  attemptTimeoutMs: number
  /** How many attempts a call has in all, the first one included. */
  attempts: number
  retryDelayMs: number
  deadlineMs: number
  /** How many calls run at the same time. */
  maxConcurrent: number
  /** How many more calls wait for their turn, for at most half of their deadlines. The rest fails with `busy`. */
  maxWaiting: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** A random number from 0 to 1. */
  random: () => number
  /** The timer for every time limit and delay; tests bring their own. */
  startTimeout?: StartTimeout
}

/** The end of a call: at its deadline, or when its caller gives up. */
interface CallEnd {
  signal: AbortSignal
  deadlineMs: number
}

const LIMIT_BYTES = 1_048_576
const MAX_RETRY_DELAY_MS = 20_000
const IDEMPOTENT: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']
/** Statuses that ask for patience: 408, 425 and 429 do not say whether the upstream works. */
const NOT_NOW: readonly (number | undefined)[] = [408, 425, 429]

/** Makes a client of one upstream, with a retry budget of its own. The dispatcher owns the connections. */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { dispatcher, breaker, tokens, attemptTimeoutMs, nowMs, startTimeout = startRealTimeout } = options
  const upstream = breaker.name
  const { origin, pathname } = new URL(options.baseUrl)
  const basePath = pathname.replace(/\/+$/, '')
  const { maxConcurrent, maxWaiting } = options
  const bulkhead = createBulkhead({ upstream, maxConcurrent, maxWaiting, startTimeout })
  const retryOptions = {
    attempts: options.attempts,
    backoff: { baseMs: options.retryDelayMs, maxMs: MAX_RETRY_DELAY_MS },
    budget: createRetryBudget(),
    nowMs,
    random: options.random,
    wait: (delayMs: number, signal: AbortSignal) => wait(delayMs, signal, startTimeout)
  }

  async function request<S extends TSchema>(call: UpstreamCall<S>): Promise<Static<S>> {
    const deadlineMs = call.deadlineMs ?? options.deadlineMs
    const deadlineAtMs = nowMs() + deadlineMs
    const deadline = startDeadline({
      timeoutMs: deadlineMs,
      onTimeout: () => new UpstreamError(upstream, 'deadline'),
      signal: call.signal,
      onAbort: () => new UpstreamError(upstream, 'aborted', { cause: call.signal?.reason }),
      startTimeout
    })
    const { signal } = deadline
    const isRetryable = (error: unknown): error is UpstreamError =>
      mayRetry(error) && isIdempotent(call) && !breaker.isRefusing
    try {
      signal.throwIfAborted()
      return await retry(retryOptions, { signal, deadlineAtMs, isRetryable }, () =>
        attempt(call, { signal, deadlineMs })
      )
    } finally {
      deadline.clear()
    }
  }

  /** Replaces a refused token once, if there is another one. */
  async function attempt<S extends TSchema>(call: UpstreamCall<S>, end: CallEnd): Promise<Static<S>> {
    if (breaker.isRefusing) throw breaker.refuse()
    if (tokens === undefined) return await send(call, undefined, end)
    const token = await unlessAborted(end.signal, tokens.get())
    try {
      return await send(call, token, end)
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.status !== 401) throw error
      await unlessAborted(end.signal, tokens.invalidate(token))
      const next = await unlessAborted(end.signal, tokens.get())
      if (next === token) throw error
      return await send(call, next, end)
    }
  }

  async function send<S extends TSchema>(
    call: UpstreamCall<S>,
    token: string | undefined,
    { signal, deadlineMs }: CallEnd
  ): Promise<Static<S>> {
    const outgoing = toExchange(call, token)
    const halfMs = deadlineMs / 2
    const place = bulkhead.enter(signal, halfMs)
    if (place) await place
    const permit = acquire()
    const startedAtMs = nowMs()
    const exchangeOptions: ExchangeOptions = {
      dispatcher,
      upstream,
      // Shorter than the deadline: one silent connection leaves time for another.
      timeoutMs: attemptTimeoutMs,
      limitBytes: call.limitBytes ?? LIMIT_BYTES,
      signal,
      startTimeout,
      onRelease: bulkhead.leave
    }
    try {
      const value = await exchange(outgoing, exchangeOptions)
      permit.settle('success')
      return value
    } catch (error) {
      permit.settle(outcomeOf(error, nowMs() - startedAtMs >= halfMs))
      throw error
    }
  }

  /** Asks the breaker only now: it may have opened while the call waited for its place. */
  function acquire(): Permit {
    try {
      return breaker.acquire()
    } catch (error) {
      bulkhead.leave()
      throw error
    }
  }

  function toExchange<S extends TSchema>(call: UpstreamCall<S>, token: string | undefined) {
    const { method = 'GET', headers, body, response } = call
    return {
      origin,
      method,
      path: basePath + encodeTarget(call),
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
        ...(token !== undefined && { authorization: `Bearer ${token}` })
      },
      body: body === undefined ? null : JSON.stringify(body),
      response
    }
  }

  return { upstream, request }
}

/** Returns whether a server or proxy may read a part of a path as a step, also in the form `%2e` (WHATWG URL, 4.3). */
export function isDotSegment(part: string): boolean {
  return part === '.' || part === '..'
}

/** @throws {RangeError} when a part is `.` or `..`: neither can be encoded */
function encodeTarget({ path, query = {} }: Pick<UpstreamCall<TSchema>, 'path' | 'query'>): string {
  if (path.some(isDotSegment)) throw new RangeError('A part of a path must not be . or ..')
  const encodedPath = path.map((part) => `/${encodeURIComponent(part)}`).join('')
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value))
  }
  return parameters.size === 0 ? encodedPath : `${encodedPath}?${parameters}`
}

function isIdempotent({ method = 'GET', headers }: UpstreamCall<TSchema>): boolean {
  return IDEMPOTENT.includes(method) || headers?.['idempotency-key'] !== undefined
}

/** Calls that were not sent are not repeated: they would only wait in the same queue. Nor is a 429 that names no time. */
function mayRetry(error: unknown): error is UpstreamError {
  if (!isTransient(error) || error.kind === 'open' || error.kind === 'busy') return false
  return error.status !== 429 || error.retryAfterMs !== undefined
}

/**
 * An upstream that refuses a call works. A deadline that cut off an attempt is a failure: otherwise an upstream that is
 * slower than every deadline would never fail. It is neutral when waiting for a token or a place took most of the time.
 */
function outcomeOf(error: unknown, hadHalfOfDeadline: boolean): CallOutcome {
  if (!(error instanceof UpstreamError)) return 'neutral'
  const { kind, status = 0 } = error
  if (kind === 'aborted' || kind === 'own-fault' || (kind === 'deadline' && !hadHalfOfDeadline)) return 'neutral'
  if (kind !== 'status' || status >= 500) return 'failure'
  return NOT_NOW.includes(status) ? 'neutral' : 'success'
}
