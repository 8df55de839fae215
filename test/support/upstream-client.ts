import { Type } from '@sinclair/typebox'
import type { Test } from 'tap'
import { Agent } from 'undici'
import {
  type BreakerOptions,
  type CircuitBreaker,
  createCircuitBreaker
} from '../../src/integrations/upstream/circuit-breaker.ts'
import {
  createUpstreamClient,
  type UpstreamCall,
  type UpstreamClient,
  type UpstreamClientOptions
} from '../../src/integrations/upstream/upstream-client.ts'
import { UpstreamError } from '../../src/integrations/upstream/upstream-error.ts'
import type { VirtualTime } from './virtual-time.ts'

export const Availability = Type.Object({ sku: Type.String(), available: Type.Integer() })

/** A call of the simplest kind. */
export const call: UpstreamCall<typeof Availability> = { path: ['availability', 'A-1'], response: Availability }

interface TestClient extends UpstreamClient {
  breaker: CircuitBreaker
}

/** Longer than anything takes that is not meant to be cut off, on the slowest machine. */
export const LONG_MS = 30_000

/**
 * Makes a client whose breaker stays closed and whose limits are far away, except those that a test sets.
 * @param options `time` is the clock and the timers of the client, but not of its breaker; real ones by default
 */
export function testClient(
  t: Test,
  baseUrl: string,
  {
    breaker: breakerOptions,
    time,
    ...options
  }: Partial<Omit<UpstreamClientOptions, 'breaker'>> & {
    breaker?: Partial<BreakerOptions>
    time?: VirtualTime
  } = {}
): TestClient {
  const maxConcurrent = options.maxConcurrent ?? 100
  const dispatcher = new Agent({ connections: maxConcurrent, pipelining: 1, allowH2: false })
  t.teardown(() => dispatcher.destroy())
  const clock = { nowMs: () => performance.now(), random: () => 0 }
  const breaker = createCircuitBreaker({
    name: 'Supplier',
    threshold: Number.MAX_SAFE_INTEGER,
    resetTimeoutMs: 1000,
    ...clock,
    ...breakerOptions
  })
  const client = createUpstreamClient({
    baseUrl,
    dispatcher,
    breaker,
    attemptTimeoutMs: LONG_MS,
    attempts: 1,
    retryDelayMs: 1,
    deadlineMs: LONG_MS,
    maxConcurrent,
    maxWaiting: 1000,
    ...clock,
    ...(time && { nowMs: time.nowMs, startTimeout: time.startTimeout }),
    ...options
  })
  return { ...client, breaker }
}

/** Returns the error that a call failed with. */
export async function rejection(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await promise.then(
    () => undefined,
    (error) => error
  )
  if (error instanceof UpstreamError) return error
  throw new Error('it did not fail', { cause: error })
}
