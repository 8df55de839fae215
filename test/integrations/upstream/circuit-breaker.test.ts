import fc from 'fast-check'
import t from 'tap'
import {
  type BreakerOptions,
  type CallOutcome,
  createCircuitBreaker,
  type Transition
} from '../../../src/integrations/upstream/circuit-breaker.ts'
import { type BreakerModel, breakerModel } from './support/breaker-model.ts'

const OPTIONS = { name: 'Supplier', threshold: 3, resetTimeoutMs: 1000, probes: 2 }

function setUp(options: Partial<BreakerOptions> = {}) {
  const clock = { ms: 0, random: 0 }
  const transitions: Transition[] = []
  const breaker = createCircuitBreaker({
    ...OPTIONS,
    nowMs: () => clock.ms,
    random: () => clock.random,
    onTransition: (transition) => transitions.push(transition),
    ...options
  })
  const make = (...outcomes: CallOutcome[]) => {
    for (const outcome of outcomes) breaker.acquire().settle(outcome)
  }
  return { clock, transitions, breaker, make }
}

t.test('it opens at the threshold, if half of the calls have failed', async (t) => {
  const { breaker, make } = setUp()
  make('success', 'success', 'success', 'success', 'failure', 'failure', 'failure')
  t.equal(breaker.state, 'closed', 'three of seven')
  make('failure')
  t.equal(breaker.state, 'open', 'four of eight')

  const few = setUp()
  few.make('failure', 'failure')
  t.equal(few.breaker.state, 'closed', 'all of two')
})

t.test('what is older than 10 s is forgotten', async (t) => {
  const { breaker, make, clock } = setUp()
  make('failure', 'failure')
  clock.ms = 9999
  make('neutral')
  clock.ms = 10_000
  make('failure', 'failure')
  t.equal(breaker.state, 'closed')
  make('failure')
  t.equal(breaker.state, 'open')
})

t.test('an open breaker says for how long, then lets a few probes through, and their successes close it', async (t) => {
  const { breaker, make, clock, transitions } = setUp()
  make('failure', 'failure', 'failure')
  clock.ms = 400
  t.throws(() => breaker.acquire(), { name: 'UpstreamError', kind: 'open', retryAfterMs: 600 })
  clock.ms = 1000
  const probes = [breaker.acquire(), breaker.acquire()]
  t.ok(breaker.isRefusing, 'no more than two at a time')
  t.throws(() => breaker.acquire(), { name: 'UpstreamError', kind: 'open' })
  probes[0]?.settle('neutral')
  make('success')
  t.equal(breaker.state, 'half-open', 'one success is not enough, and a neutral outcome is none')
  probes[1]?.settle('success')
  t.equal(breaker.state, 'closed')
  t.same(
    transitions.map(({ to }) => to),
    ['open', 'half-open', 'closed']
  )
  t.same(breaker.entered, { open: 1, 'half-open': 1, closed: 1 })
  t.same(breaker.counts, { success: 2, failure: 3, neutral: 1, refused: 2 })
})

t.test('each failed recovery doubles the open time, up to eight times; a recovery ends that', async (t) => {
  const { make, clock, transitions } = setUp()
  make('failure', 'failure', 'failure')
  for (let attempt = 0; attempt < 5; attempt++) {
    clock.ms += 1_000_000
    make('failure')
  }
  clock.ms += 1_000_000
  make('success', 'success', 'failure', 'failure', 'failure')
  t.same(
    transitions.flatMap(({ openMs }) => openMs ?? []),
    [1000, 2000, 4000, 8000, 8000, 8000, 1000]
  )
})

t.test('open times are spread, never below what is configured', async (t) => {
  const { make, clock, transitions } = setUp()
  clock.random = 0.999
  make('failure', 'failure', 'failure')
  t.match(transitions, [{ openMs: 1250 }])
})

t.test('results of an earlier state count for nothing', async (t) => {
  const { breaker, make, clock } = setUp()
  const [lateSuccess, lateFailure, lateNeutral] = [breaker.acquire(), breaker.acquire(), breaker.acquire()]
  make('failure', 'failure', 'failure')
  clock.ms = 1000
  const probe = breaker.acquire()
  lateSuccess.settle('success')
  lateFailure.settle('failure')
  lateNeutral.settle('neutral')
  t.equal(breaker.state, 'half-open')
  const other = breaker.acquire()
  t.ok(breaker.isRefusing, 'no place for a probe came from them')
  probe.settle('failure')
  clock.ms = 10_000
  breaker.acquire()
  other.settle('success')
  breaker.acquire().settle('success')
  t.equal(breaker.state, 'half-open', 'nor from a probe of an earlier recovery')
})

t.test('a permit is settled once', async (t) => {
  const { breaker } = setUp()
  const permit = breaker.acquire()
  for (let count = 0; count < 5; count++) permit.settle('failure')
  t.equal(breaker.state, 'closed')
  t.equal(breaker.counts.failure, 1)
})

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: 'acquire' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(),
      outcome: fc.constantFrom<CallOutcome[]>('failure', 'failure', 'success', 'neutral')
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 1500 }), fc.integer({ min: 1, max: 15_000 })),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    })
  }
)

t.test('any schedule of calls, results and time has the outcome of the model', async (t) => {
  const reached: Record<string, number> = {}
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80, size: 'max' }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      (steps, threshold, probes) => {
        const { breaker, clock } = setUp({ threshold, probes })
        const model: BreakerModel = breakerModel({ threshold, probes, resetTimeoutMs: OPTIONS.resetTimeoutMs })
        const held: { settle(outcome: CallOutcome): void }[] = []
        const heldByModel: number[] = []
        for (const step of steps) {
          if (step.do === 'wait') {
            clock.ms += step.ms
            clock.random = step.random
          } else if (step.do === 'acquire') {
            const expected = model.acquire(clock.ms)
            if (breaker.isRefusing !== (expected === undefined)) return false
            if (expected === undefined) continue
            held.push(breaker.acquire())
            heldByModel.push(expected)
          } else if (held.length > 0) {
            const index = step.which % held.length
            held.splice(index, 1)[0]?.settle(step.outcome)
            model.settle(heldByModel.splice(index, 1)[0] ?? 0, step.outcome, clock.ms, clock.random)
          }
          if (breaker.state !== model.state) return false
          reached[breaker.state] = (reached[breaker.state] ?? 0) + 1
        }
        return true
      }
    ),
    { numRuns: 10_000 }
  )
  for (const state of ['closed', 'open', 'half-open'])
    t.ok((reached[state] ?? 0) > 1000, `${state} was reached ${reached[state]} times`)
})
