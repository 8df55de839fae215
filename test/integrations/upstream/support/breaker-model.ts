import type { BreakerState, CallOutcome } from '../../../../src/integrations/upstream/circuit-breaker.ts'

interface Call {
  phase: number
  isProbe: boolean
  outcome?: CallOutcome
}

export interface BreakerModel {
  readonly state: BreakerState
  /** The number of the call, or undefined where it is refused. */
  acquire(nowMs: number): number | undefined
  settle(call: number, outcome: CallOutcome, nowMs: number, random: number): void
}

/**
 * A naive model of a circuit breaker: it remembers every call and every outcome, and looks through all of them each time.
 */
export function breakerModel(options: { threshold: number; probes: number; resetTimeoutMs: number }): BreakerModel {
  const calls: Call[] = []
  const results: { atMs: number; outcome: CallOutcome; phase: number }[] = []
  /** Every state it was in, with the moment until which an open one stays so. */
  const phases: { state: BreakerState; untilMs: number }[] = [{ state: 'closed', untilMs: 0 }]

  const current = () => phases.length - 1
  const state = () => phases[current()]?.state ?? 'closed'
  const enter = (next: BreakerState, untilMs = 0) => phases.push({ state: next, untilMs })

  function open(nowMs: number, random: number): void {
    const lastClosed = phases.findLastIndex((phase) => phase.state === 'closed')
    const failedRecoveries = phases.slice(lastClosed).filter((phase) => phase.state === 'half-open').length
    const times = Math.min(8, 2 ** failedRecoveries)
    enter('open', nowMs + Math.round(options.resetTimeoutMs * times * (1 + random / 4)))
  }

  return {
    get state() {
      return state()
    },
    acquire(nowMs) {
      if (state() === 'open') {
        if (nowMs < (phases[current()]?.untilMs ?? 0)) return undefined
        enter('half-open')
      }
      const ofThisPhase = calls.filter((call) => call.phase === current())
      if (state() === 'half-open') {
        const taken = ofThisPhase.filter((call) => call.outcome !== 'neutral')
        if (taken.length >= options.probes) return undefined
      }
      calls.push({ phase: current(), isProbe: state() === 'half-open' })
      return calls.length - 1
    },
    settle(number, outcome, nowMs, random) {
      const call = calls[number]
      if (call === undefined || call.phase !== current()) return
      call.outcome = outcome
      results.push({ atMs: nowMs, outcome, phase: current() })
      const counted = results.filter(({ phase }) => phase === current())
      if (call.isProbe) {
        if (outcome === 'failure') open(nowMs, random)
        else if (counted.filter((result) => result.outcome === 'success').length === options.probes) enter('closed')
        return
      }
      const oldestSecond = Math.floor(nowMs / 1000) - 9
      const recent = counted.filter(({ atMs }) => Math.floor(atMs / 1000) >= oldestSecond)
      const failures = recent.filter((result) => result.outcome === 'failure').length
      const successes = recent.filter((result) => result.outcome === 'success').length
      if (outcome === 'failure' && failures >= options.threshold && failures * 2 >= failures + successes)
        open(nowMs, random)
    }
  }
}
