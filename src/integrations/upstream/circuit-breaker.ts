import { OutcomeWindow } from './outcome-window.ts'
import { UpstreamError } from './upstream-error.ts'

export type BreakerState = 'closed' | 'open' | 'half-open'

/** What a call says of its upstream; `neutral` says nothing, as when the caller has given up. */
export type CallOutcome = 'success' | 'failure' | 'neutral'

/** The leave to make one call. It has to be settled, whatever becomes of the call. */
export interface Permit {
  /** The first outcome counts, unless the breaker has changed its state since the call began. */
  settle(outcome: CallOutcome): void
}

export interface Transition {
  from: BreakerState
  to: BreakerState
  /** How long the breaker stays open from now on. */
  openMs?: number
}

export interface BreakerOptions {
  name: string
  /** Failures within 10 s that open the breaker, if they are at least half of the calls too. */
  threshold: number
  /** How long it stays open the first time. */
  resetTimeoutMs: number
  /**
   * How many calls a half-open breaker lets through, and how many successes close it. Three unless said: one lucky
   * answer of a struggling upstream is not enough to send it everything, and where calls are so few that three take
   * long, each of them is let through anyway.
   */
  probes?: number
  /** Monotonic. */
  nowMs: () => number
  /** From 0 to 1. */
  random: () => number
  onTransition?: (transition: Transition) => void
}

export interface CircuitBreaker {
  readonly name: string
  readonly state: BreakerState
  /** Since the beginning: how many calls were settled how, late ones included, and how many were refused. */
  readonly counts: Readonly<Record<CallOutcome | 'refused', number>>
  /** How often each state was entered. */
  readonly entered: Readonly<Record<BreakerState, number>>
  /** Would a call be refused now? */
  readonly isRefusing: boolean
  /** Counts a refusal, and gives the error for it: kind `open`, and how long there is no use in coming back. */
  refuse(): UpstreamError
  /** @throws {UpstreamError} as `refuse` gives it, when the call may not be made */
  acquire(): Permit
}

/** How many times an open time may double. */
const MAX_DOUBLINGS = 3
/** Spreads the probes of many instances that opened at the same moment; never sooner than configured. */
const JITTER = 0.25

/**
 * Leaves an upstream alone that fails: closed → open → half-open → closed again, or open for twice as long.
 *
 * Each change of state begins a new generation, and results of an earlier one count for nothing: a success that was on
 * its way when the breaker opened does not close it, a late failure does not open it (the design of sony/gobreaker).
 */
export function createCircuitBreaker(options: BreakerOptions): CircuitBreaker {
  const { name, threshold, resetTimeoutMs, probes = 3, nowMs, random, onTransition } = options
  const window = new OutcomeWindow()
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
    window.clear()
    doublings = 0
    enter('closed')
  }

  function settleClosed(outcome: CallOutcome): void {
    if (outcome === 'neutral') return
    const now = nowMs()
    window.add(outcome === 'failure', now)
    if (outcome === 'success') return
    const { successes, failures } = window.totals(now)
    if (failures >= threshold && failures >= successes) open()
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
