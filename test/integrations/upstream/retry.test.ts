import fc from 'fast-check'
import t from 'tap'
import { backoffMs, type RetriedCall, type RetryOptions, retry } from '../../../src/integrations/upstream/retry.ts'
import { parseRetryAfter } from '../../../src/integrations/upstream/retry-after.ts'
import { RetryBudget } from '../../../src/integrations/upstream/retry-budget.ts'
import { UpstreamError } from '../../../src/integrations/upstream/upstream-error.ts'

const failure = (kind: 'status' | 'network', options = {}) => new UpstreamError('Supplier', kind, options)

/** Time that passes only while somebody waits. */
function setUp(options: Partial<RetryOptions & RetriedCall> = {}) {
  const waits: number[] = []
  const clock = { ms: 0 }
  const retryOptions: RetryOptions = {
    attempts: 3,
    baseDelayMs: 100,
    budget: new RetryBudget(),
    nowMs: () => clock.ms,
    random: () => 0.5,
    async wait(delayMs) {
      waits.push(delayMs)
      clock.ms += delayMs
    },
    ...options
  }
  const call = { signal: new AbortController().signal, deadlineAtMs: 1000, isRepeatable: () => true, ...options }
  async function attempt(...outcomes: (Error | string)[]) {
    let attempts = 0
    const result = await retry(retryOptions, call, async () => {
      const outcome = outcomes[Math.min(attempts++, outcomes.length - 1)]
      if (outcome instanceof Error) throw outcome
      return outcome
    }).catch((error) => error)
    return { attempts, result }
  }
  return { waits, attempt, budget: retryOptions.budget }
}

t.test('what may pass is tried again, and no more often than said', async (t) => {
  t.same(await setUp().attempt(failure('network'), failure('status', { status: 503 }), 'done'), {
    attempts: 3,
    result: 'done'
  })
  const last = failure('status', { status: 500 })
  t.same(await setUp().attempt(failure('network'), failure('network'), last), { attempts: 3, result: last })
})

t.test('what stays as it is, is not tried again', async (t) => {
  const lasting = [
    new Error('not of the upstream'),
    ...[400, 401, 403, 404, 409, 422, 429, 501].map((status) => failure('status', { status })),
    ...(['malformed', 'too-large', 'redirect', 'open', 'busy', 'aborted', 'deadline'] as const).map(
      (kind) => new UpstreamError('Supplier', kind)
    )
  ]
  for (const error of lasting) t.same(await setUp().attempt(error), { attempts: 1, result: error }, error.message)
  t.match(await setUp({ isRepeatable: () => false }).attempt(failure('network')), { attempts: 1 })
})

t.test('Retry-After is waited for, a 429 too, unless the deadline is sooner', async (t) => {
  const busy = failure('status', { status: 429, retryAfterMs: 800 })
  const { waits, attempt } = setUp()
  t.match(await attempt(busy, 'done'), { attempts: 2, result: 'done' })
  t.same(waits, [850], 'with a little more, so that not all come back at once')

  const late = setUp({ deadlineAtMs: 850 })
  t.same(await late.attempt(busy, 'done'), { attempts: 1, result: busy })
  t.same(late.waits, [], 'there is no waiting for what comes too late')
})

t.test('delays are random from nothing to a bound that doubles', async (t) => {
  const { waits, attempt } = setUp({ attempts: 5, deadlineAtMs: Number.POSITIVE_INFINITY })
  await attempt(failure('network'))
  t.same(waits, [50, 100, 200, 400])
  t.equal(backoffMs(60, { baseDelayMs: 100, random: () => 1 }), 20_000)

  const delays = Array.from({ length: 1000 }, () => backoffMs(4, { baseDelayMs: 100, random: Math.random }))
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
  t.ok(delays.every((delay) => delay >= 0 && delay <= 800))
  // 800 / √12 / √1000 is the standard deviation of the mean: seven of them.
  t.ok(Math.abs(mean - 400) < 51, `a mean of ${mean}`)
})

t.test('in an outage there are no more retries than the budget has', async (t) => {
  const { attempt } = setUp({ deadlineAtMs: Number.POSITIVE_INFINITY })
  let attempts = 0
  for (let call = 0; call < 1000; call++) attempts += (await attempt(failure('network'))).attempts
  t.equal(attempts, 1050)
})

t.test('the budget is never more than its reserve and a tenth of the successes', async () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 2000, size: 'max' }), (steps) => {
      const budget = new RetryBudget()
      let left = 50
      return steps.every((isSuccess) => {
        if (isSuccess) {
          budget.earn()
          left = Math.min(50, left + 0.1)
          return true
        }
        const isThere = left > 1 - 1e-6
        if (isThere) left -= 1
        return budget.take() === isThere
      })
    }),
    { numRuns: 50 }
  )
})

t.test('Retry-After is seconds or a date', async (t) => {
  const now = Date.UTC(2026, 0, 1)
  t.equal(parseRetryAfter('120', now), 120_000)
  t.equal(parseRetryAfter('0', now), 0)
  t.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000)
  t.equal(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now), 0, 'a time that is over')
  t.equal(parseRetryAfter('99999999999', now), 86_400_000)
  for (const text of [
    '',
    'soon',
    '-1',
    '1.5',
    '1e3',
    'Thu, 99 Jan',
    'Thu, 99 Jan 2026 00:00:00 GMT',
    undefined,
    ['1', '2']
  ])
    t.equal(parseRetryAfter(text, now), undefined, String(text))
})
