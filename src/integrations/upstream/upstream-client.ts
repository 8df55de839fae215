import type { Static, TSchema } from '@sinclair/typebox'
import type { Dispatcher } from 'undici'
import { unlessAborted, wait } from '../../platform/lib/time-limit.ts'
import type { Authorizer } from './authorizer.ts'
import { Bulkhead } from './bulkhead.ts'
import type { CallOutcome, CircuitBreaker, Permit } from './circuit-breaker.ts'
import { withDeadline } from './deadline.ts'
import { exchange } from './exchange.ts'
import { readReply } from './read-reply.ts'
import { retry } from './retry.ts'
import { RetryBudget } from './retry-budget.ts'
import { UpstreamError } from './upstream-error.ts'
import { encodeTarget, type Target } from './upstream-target.ts'

export interface UpstreamCall<S extends TSchema> extends Target {
  /** `GET` unless said. */
  method?: Dispatcher.HttpMethod
  /** Names in lower case. With an `idempotency-key` any method may be retried. */
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  body?: unknown
  /** What a 2xx answer has to be; additional fields are the schema's matter. Compiled at its first use. */
  response: S
  /** For all of the call, retries and waiting included; the client's own unless said. */
  deadlineMs?: number
  /** Of the answer's body; 1 MiB unless said. */
  limitBytes?: number
  /** Ends the call at once, in whatever phase it is. */
  signal?: AbortSignal | undefined
}

export interface UpstreamClient {
  /** Names the upstream in errors. */
  readonly upstream: string
  /**
   * Calls the upstream: total deadline ( retry ( breaker → time limit of an attempt → one exchange ) ).
   * @returns what it has answered, checked against the schema
   * @throws {UpstreamError} of whatever kind; or what the authorizer throws
   */
  request<S extends TSchema>(call: UpstreamCall<S>): Promise<Static<S>>
}

export interface UpstreamClientOptions {
  /** Of an origin, or of a path at it that is put before those of the calls. */
  baseUrl: string
  /** With at least `maxConcurrent` connections for the origin. */
  dispatcher: Dispatcher
  /** Its name is how errors name the upstream. */
  breaker: CircuitBreaker
  authorizer?: Authorizer | undefined
  attemptTimeoutMs: number
  /** In all, the first one included. */
  attempts: number
  retryDelayMs: number
  deadlineMs: number
  /** Calls at the same time; as many more as `maxWaiting` wait for their turn, for half of their deadlines; the rest is refused. */
  maxConcurrent: number
  maxWaiting: number
  /** Monotonic. */
  nowMs: () => number
  /** From 0 to 1. */
  random: () => number
}

/** Ends a call: the signal fires at the deadline, or with the caller's own. */
interface CallEnd {
  signal: AbortSignal
  deadlineMs: number
}

const LIMIT_BYTES = 1_048_576
const IDEMPOTENT: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']
/** These ask for patience, and say nothing of whether the upstream works. */
const NOT_NOW: readonly (number | undefined)[] = [408, 425, 429]

/** Makes a client of one upstream. It has a retry budget of its own, and holds no connections: the dispatcher does. */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { dispatcher, breaker, authorizer, attemptTimeoutMs, nowMs, random } = options
  const upstream = breaker.name
  const { origin, pathname } = new URL(options.baseUrl)
  const basePath = pathname.replace(/\/+$/, '')
  const bulkhead = new Bulkhead({ upstream, limit: options.maxConcurrent, waitingLimit: options.maxWaiting })
  const { attempts, retryDelayMs: baseDelayMs } = options
  const retryOptions = { attempts, baseDelayMs, budget: new RetryBudget(), nowMs, random, wait }

  async function request<S extends TSchema>(call: UpstreamCall<S>): Promise<Static<S>> {
    const deadlineMs = call.deadlineMs ?? options.deadlineMs
    const deadlineAtMs = nowMs() + deadlineMs
    const isRepeatable = () => isIdempotent(call) && !breaker.isRefusing
    return await withDeadline({ upstream, deadlineMs, signal: call.signal }, (signal) =>
      retry(retryOptions, { signal, deadlineAtMs, isRepeatable }, () => attempt(call, { signal, deadlineMs }))
    )
  }

  /** A refused authorization is renewed once, if there is another one. A second 401 is the caller's. */
  async function attempt<S extends TSchema>(call: UpstreamCall<S>, end: CallEnd): Promise<Static<S>> {
    if (breaker.isRefusing) throw breaker.refuse()
    if (authorizer === undefined) return await send(call, {}, end)
    const { signal } = end
    const headers = await unlessAborted(signal, authorizer.headers(signal))
    try {
      return await send(call, headers, end)
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.status !== 401) throw error
      await unlessAborted(signal, authorizer.rejected(headers))
      const renewed = await unlessAborted(signal, authorizer.headers(signal))
      if (renewed.authorization === headers.authorization) throw error
      return await send(call, renewed, end)
    }
  }

  async function send<S extends TSchema>(
    call: UpstreamCall<S>,
    authorization: Record<string, string>,
    { signal, deadlineMs }: CallEnd
  ) {
    const outgoing = toRequest(call, authorization)
    const halfMs = deadlineMs / 2
    const place = bulkhead.enter(signal, halfMs)
    if (place) await place
    const permit = acquire()
    const startedAtMs = nowMs()
    try {
      const limits = {
        upstream,
        // One silent connection leaves time for another.
        timeoutMs: attemptTimeoutMs,
        limitBytes: call.limitBytes ?? LIMIT_BYTES,
        signal,
        onRelease: () => bulkhead.leave()
      }
      const reply = await exchange(dispatcher, outgoing, limits)
      const value = readReply(upstream, reply, call.response)
      permit.settle('success')
      return value
    } catch (error) {
      permit.settle(outcomeOf(error, nowMs() - startedAtMs >= halfMs))
      throw error
    }
  }

  /** Only now: the breaker may have opened while the call waited for its place. */
  function acquire(): Permit {
    try {
      return breaker.acquire()
    } catch (error) {
      bulkhead.leave()
      throw error
    }
  }

  function toRequest({ method = 'GET', headers, body, ...target }: UpstreamCall<TSchema>, authorization: object) {
    return {
      origin,
      method,
      path: basePath + encodeTarget(target),
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
        ...authorization
      },
      body: body === undefined ? null : JSON.stringify(body)
    }
  }

  return { upstream, request }
}

function isIdempotent({ method = 'GET', headers }: UpstreamCall<TSchema>): boolean {
  return IDEMPOTENT.includes(method) || headers?.['idempotency-key'] !== undefined
}

/**
 * An upstream that refuses a call works. A deadline that cut off an attempt is a failure, else an upstream that is slower
 * than all deadlines never is; but not where our own waiting, for a token or a place, had used up most of the time.
 */
function outcomeOf(error: unknown, hadHalfOfDeadline: boolean): CallOutcome {
  if (!(error instanceof UpstreamError)) return 'neutral'
  const { kind, status = 0 } = error
  if (kind === 'aborted' || kind === 'own-fault' || (kind === 'deadline' && !hadHalfOfDeadline)) return 'neutral'
  if (kind !== 'status' || status >= 500) return 'failure'
  return NOT_NOW.includes(status) ? 'neutral' : 'success'
}
