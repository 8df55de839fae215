import type { Metrics } from '../../platform/metrics/metrics.ts'
import { type BreakerState, type CircuitBreaker, createCircuitBreaker, type Transition } from './circuit-breaker.ts'

interface BreakersOptions {
  threshold: number
  resetTimeoutMs: number
  metrics: Metrics
  onTransition: (breaker: string, transition: Transition) => void
}

const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open']

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
