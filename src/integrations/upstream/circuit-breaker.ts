import type { Metrics } from '../../platform/metrics/metrics.ts'
import { UpstreamError } from './upstream-error.ts'

/** The state of a circuit breaker: `half-open` lets only a few calls through, to find out whether the upstream works. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** What a call says about its upstream. `neutral` says nothing: the caller gave up, for example. */
export type CallOutcome = 'success' | 'failure' | 'neutral'

/** The permission to make one call. It must be settled, however the call ends. */
export interface Permit {
  /** Reports the outcome of the call. Only the first one counts, and only if the breaker has not changed its state since. */
  settle(outcome: CallOutcome): void
}

/** A change of a breaker's state. */
export interface Transition {
  from: BreakerState
  to: BreakerState
  /** How long the breaker stays open, when it has opened. */
  openMs?: number
}

/** The settings of one circuit breaker. */
export interface BreakerOptions {
  /** The name of the upstream, for errors and metrics. */
  name: string
  /** How many failures within 10 s open the breaker, if they are at least half of the calls. */
  threshold: number
  /** How long the breaker stays open the first time. */
  resetTimeoutMs: number
  /**
   * How many calls a half-open breaker lets through, and how many of them must succeed to close it; 3 by default. One
   * lucky response of a struggling upstream is no reason to send it everything.
   */
  probes?: number
  /** A monotonic clock, in ms. */
  nowMs: () => number
  /** A random number from 0 to 1. */
  random: () => number
  onTransition?: (transition: Transition) => void
}

/** Decides whether an upstream may be called. */
export interface CircuitBreaker {
  readonly name: string
  readonly state: BreakerState
  /** How many calls were settled with each outcome, late ones included, and how many were refused. */
  readonly counts: Readonly<Record<CallOutcome | 'refused', number>>
  /** How often each state was entered. */
  readonly entered: Readonly<Record<BreakerState, number>>
  /** Whether a call would be refused now. */
  readonly isRefusing: boolean
  /** Counts a refusal. Returns the error for it, of kind `open`, with the time until the breaker lets calls through. */
  refuse(): UpstreamError
  /**
   * Asks for permission to make a call.
   * @throws {UpstreamError} of kind `open`
   */
  acquire(): Permit
}

const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open']
/** How often the open time may double. */
const MAX_DOUBLINGS = 3
/** Spreads the probes of instances whose breakers opened at the same moment. */
const JITTER = 0.25
const WINDOW_BUCKETS = 10
const BUCKET_MS = 1000

/**
 * Makes a circuit breaker. It opens when too many calls fail, refuses all calls for a while, then lets a few probes
 * through (half-open). When they succeed it closes; when one fails it opens again, for twice as long.
 *
 * Each change of state starts a new generation, and outcomes of calls from an earlier generation are ignored: a late
 * success does not close an open breaker, and a late failure does not open a closed one (as in sony/gobreaker).
 */
export function createCircuitBreaker(options: BreakerOptions): CircuitBreaker {
  const { name, threshold, resetTimeoutMs, probes = 3, nowMs, random, onTransition } = options
  const recent = createOutcomeWindow()
  const counts = { success: 0, failure: 0, neutral: 0, refused: 0 }
  const entered = { closed: 0, open: 0, 'half-open': 0 }
  let state: BreakerState = 'closed'
  let generation = 0
  let openUntilMs = 0
  let doublings = 0
  let freeProbes = 0
  let successfulProbes = 0

  function enter(to: BreakerState, openMs?: number): void {
    const from = state
    state = to
    generation++
    entered[to]++
    onTransition?.({ from, to, ...(openMs !== undefined && { openMs }) })
  }

  function open(): void {
    const openMs = Math.round(resetTimeoutMs * 2 ** doublings * (1 + JITTER * random()))
    openUntilMs = nowMs() + openMs
    doublings = Math.min(doublings + 1, MAX_DOUBLINGS)
    enter('open', openMs)
  }

  function halfOpen(): void {
    freeProbes = probes
    successfulProbes = 0
    enter('half-open')
  }

  function close(): void {
    recent.clear()
    doublings = 0
    enter('closed')
  }

  function settleClosed(outcome: CallOutcome): void {
    if (outcome === 'neutral') return
    const { successes, failures } = recent.add(outcome, nowMs())
    if (outcome === 'failure' && failures >= threshold && failures >= successes) open()
  }

  function settleProbe(outcome: CallOutcome): void {
    if (outcome === 'failure') open()
    else if (outcome === 'neutral') freeProbes++
    else if (++successfulProbes === probes) close()
  }

  function isRefusing(): boolean {
    return state === 'open' ? nowMs() < openUntilMs : state === 'half-open' && freeProbes === 0
  }

  function refuse(): UpstreamError {
    counts.refused++
    const retryAfterMs = state === 'open' ? Math.max(0, openUntilMs - nowMs()) : undefined
    return new UpstreamError(name, 'open', { retryAfterMs })
  }

  function acquire(): Permit {
    if (isRefusing()) throw refuse()
    if (state === 'open') halfOpen()
    const isProbe = state === 'half-open'
    if (isProbe) freeProbes--
    const bornIn = generation
    let isSettled = false
    return {
      settle(outcome) {
        if (isSettled) return
        isSettled = true
        counts[outcome]++
        if (bornIn !== generation) return
        if (isProbe) settleProbe(outcome)
        else settleClosed(outcome)
      }
    }
  }

  return {
    name,
    counts,
    entered,
    refuse,
    acquire,
    get state() {
      return state
    },
    get isRefusing() {
      return isRefusing()
    }
  }
}

/** Counts the successes and failures of the last 9 to 10 s, in buckets of a second. */
function createOutcomeWindow() {
  const successes = new Uint32Array(WINDOW_BUCKETS)
  const failures = new Uint32Array(WINDOW_BUCKETS)
  let current = 0

  function clear(): void {
    successes.fill(0)
    failures.fill(0)
  }

  function moveTo(bucket: number): void {
    if (bucket - current >= WINDOW_BUCKETS) clear()
    else
      for (let next = current + 1; next <= bucket; next++)
        successes[next % WINDOW_BUCKETS] = failures[next % WINDOW_BUCKETS] = 0
    current = Math.max(current, bucket)
  }

  return {
    clear,

    /** @returns the counts, this outcome included */
    add(outcome: 'success' | 'failure', nowMs: number): { successes: number; failures: number } {
      moveTo(Math.floor(nowMs / BUCKET_MS))
      const counts = outcome === 'success' ? successes : failures
      const index = current % WINDOW_BUCKETS
      counts[index] = (counts[index] ?? 0) + 1
      return { successes: sum(successes), failures: sum(failures) }
    }
  }
}

function sum(counts: Uint32Array): number {
  let total = 0
  for (const count of counts) total += count
  return total
}

interface BreakersOptions {
  threshold: number
  resetTimeoutMs: number
  metrics: Metrics
  onTransition: (breaker: string, transition: Transition) => void
}

/**
 * Makes the circuit breakers of one process, with their metrics.
 * @returns the breaker of a name, which is made at its first use. Names are labels of metrics: never text of a client
 */
export function createBreakers(options: BreakersOptions): (name: string) => CircuitBreaker {
  const { threshold, resetTimeoutMs, metrics, onTransition } = options
  const breakers = new Map<string, CircuitBreaker>()
  addMetrics(metrics, breakers)

  return (name) => {
    const known = breakers.get(name)
    if (known) return known
    const breaker = createCircuitBreaker({
      name,
      threshold,
      resetTimeoutMs,
      nowMs: () => performance.now(),
      random: Math.random,
      onTransition: (transition) => onTransition(name, transition)
    })
    breakers.set(name, breaker)
    return breaker
  }
}

function addMetrics(metrics: Metrics, breakers: ReadonlyMap<string, CircuitBreaker>): void {
  metrics.gauge({
    name: 'aisle_breaker_state',
    help: 'State of each circuit breaker: 1 for its current state (closed, open, half-open), 0 for the others.',
    labelNames: ['breaker', 'state'],
    collect() {
      for (const { name, state } of breakers.values())
        for (const label of STATES) this.set({ breaker: name, state: label }, state === label ? 1 : 0)
    }
  })
  metrics.counter({
    name: 'aisle_breaker_calls_total',
    help: 'Calls through each circuit breaker by outcome: success, failure, neutral (says nothing about the upstream, such as a cancelled call), refused (by the open breaker).',
    labelNames: ['breaker', 'outcome'],
    collect() {
      this.reset()
      for (const { name, counts } of breakers.values())
        for (const [outcome, count] of Object.entries(counts)) this.inc({ breaker: name, outcome }, count)
    }
  })
  metrics.counter({
    name: 'aisle_breaker_transitions_total',
    help: 'Transitions of each circuit breaker into a state.',
    labelNames: ['breaker', 'to'],
    collect() {
      this.reset()
      for (const { name, entered } of breakers.values())
        for (const [to, count] of Object.entries(entered)) this.inc({ breaker: name, to }, count)
    }
  })
}
