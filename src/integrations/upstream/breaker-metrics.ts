import type { Metrics } from '../../platform/metrics/metrics.ts'
import type { BreakerState, CircuitBreaker } from './circuit-breaker.ts'

const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open']

/** Adds the metrics of circuit breakers, all of them read when somebody looks. */
export function addBreakerMetrics(metrics: Metrics, breakers: ReadonlyMap<string, CircuitBreaker>): void {
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
