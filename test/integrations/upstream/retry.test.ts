import fc from 'fast-check'
import t from 'tap'
import {
  createRetryBudget,
  type RetriedCall,
  type RetryOptions,
  retry
} from '../../../src/integrations/upstream/retry.ts'
import { parseRetryAfter } from '../../../src/integrations/upstream/retry-after.ts'
import { isTransient, UpstreamError } from '../../../src/integrations/upstream/upstream-error.ts'

const failure = (kind: 'status' | 'network', options = {}) => new UpstreamError('Supplier', kind, options)

/** Time that passes only while somebody waits. */
function setUp(options: Partial<RetryOptions & RetriedCall> = {}) {
  const waits: number[] = []
  const clock = { ms: 0 }
  const retryOptions: RetryOptions = {
    attempts: 3,
    backoff: { baseMs: 100, maxMs: 20_000 },
    budget: createRetryBudget(),
    nowMs: () => clock.ms,
    random: () => 0.5,
    async wait(delayMs) {
      waits.push(delayMs)
      clock.ms += delayMs
    },
    ...options
  }
  const { signal } = new AbortController()
  const call: RetriedCall = { signal, deadlineAtMs: 1000, isRetryable: isTransient, ...options }
  async function attempt(...outcomes: (Error | string)[]) {
    let attempts = 0
    const result = await retry(retryOptions, call, async () => {
      const outcome = outcomes[Math.min(attempts++, outcomes.length - 1)]
      if (outcome instanceof Error) throw outcome
      return outcome
    }).catch((error) => error)
    return { attempts, result }
  }
  return { waits, attempt }
}

t.test('what may pass is tried again, and no more often than said', async (t) => {
  t.same(await setUp().attempt(failure('network'), failure('status', { status: 503 }), 'done'), {
    attempts: 3,
    result: 'done'
  })
  const last = failure('status', { status: 500 })
  t.same(await setUp().attempt(failure('network'), failure('network'), last), { attempts: 3, result: last })
})

t.test('an error that is not retryable ends it', async (t) => {
  const error = failure('status', { status: 404 })
  t.same(await setUp().attempt(error), { attempts: 1, result: error })
  const isRetryable = (_: unknown): _ is Error => false
  t.match(await setUp({ isRetryable }).attempt(failure('network')), { attempts: 1 })
})

t.test('which errors are transient', async (t) => {
  const kinds = ['timeout', 'deadline', 'open', 'busy', 'network'] as const
  const transient = [
    ...[429, 500, 502, 503, 504, 520].map((status) => failure('status', { status })),
    ...kinds.map((kind) => new UpstreamError('Supplier', kind))
  ]
  for (const error of transient) t.ok(isTransient(error), error.message)
  const lasting = [
    new Error('not of the upstream'),
    ...[400, 401, 403, 404, 409, 422, 501].map((status) => failure('status', { status })),
    ...(['malformed', 'too-large', 'redirect', 'aborted', 'own-fault'] as const).map(
      (kind) => new UpstreamError('Supplier', kind, { status: 200 })
    )
  ]
  for (const error of lasting) t.notOk(isTransient(error), error.message)
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

t.test('delays follow the backoff', async (t) => {
  const { waits, attempt } = setUp({ attempts: 5, deadlineAtMs: Number.POSITIVE_INFINITY })
  await attempt(failure('network'))
  t.same(waits, [50, 100, 200, 400])
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
      const budget = createRetryBudget()
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
