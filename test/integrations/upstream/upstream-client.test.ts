import { inspect } from 'node:util'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { Agent } from 'undici'
import type { TokenSource } from '../../../src/integrations/upstream/upstream-client.ts'
import { body, ok, scriptedUpstream, silence, status, VALUE } from '../../support/scripted-upstream.ts'
import { call, rejection, testClient } from '../../support/upstream-client.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'
import { waitFor } from '../../support/wait-for.ts'

t.test('a response is validated against its schema', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request, breaker } = testClient(t, `${upstream.url}/`)
  const value = await request({
    ...call,
    path: ['a b', '../x', '...'],
    query: { limit: 5, cursor: 'ä&b', none: undefined }
  })
  t.same(value, VALUE)
  t.same(upstream.targets, ['/api/a%20b/..%2Fx/...?limit=5&cursor=%C3%A4%26b'])
  upstream.script(body(JSON.stringify({ ...VALUE, more: true })))
  t.match(await request(call), VALUE, 'additional fields are nothing')
  upstream.script((response) => response.writeHead(204).end())
  t.equal(await request({ ...call, response: Type.Null() }), null)
  t.match(breaker.counts, { success: 3, failure: 0 })
})

t.test('no path leads upwards', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request } = testClient(t, upstream.url)
  for (const part of ['.', '..']) await t.rejects(request({ ...call, path: ['availability', part] }), RangeError)
  t.equal(upstream.requests, 0)
})

t.test('a response to HEAD has no body, whatever length it states', async (t) => {
  const upstream = await scriptedUpstream(t)
  upstream.script((response) => response.writeHead(200, { 'content-length': 2_000_000 }).end())
  const { request } = testClient(t, upstream.url)
  t.equal(await request({ ...call, method: 'HEAD', response: Type.Null() }), null)
})

t.test('a response that is not of the agreed form is a failure, and is not quoted', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request, breaker } = testClient(t, upstream.url, { attempts: 3 })
  const json = { 'content-type': 'application/json' }
  const cases: [string, ReturnType<typeof body>, string][] = [
    ['another type', body('<b>hidden</b>', { 'content-type': 'text/html' }), 'malformed'],
    ['no type', body('{}', {}), 'malformed'],
    ['a content coding', body('{}', { ...json, 'content-encoding': 'gzip' }), 'malformed'],
    ['no JSON', body('{"hidden": hidden}'), 'malformed'],
    ['no body', body(''), 'malformed'],
    ['a missing field', body('{"sku":"hidden"}'), 'malformed'],
    ['another type of value', body('{"sku":"hidden","available":"7"}'), 'malformed'],
    ['a length above the limit', body('hidden', { ...json, 'content-length': '2000000' }), 'too-large'],
    ['more than the limit', body(`"${'hidden'.repeat(200_000)}"`), 'too-large'],
    ['a redirect to the same origin', status(307, { location: '/api/availability/hidden' }), 'redirect']
  ]
  for (const [name, answer, kind] of cases) {
    upstream.script(answer)
    const error = await rejection(request(call))
    t.equal(error.kind, kind, name)
    t.notMatch(inspect(error, { depth: 9, showHidden: true }), 'hidden', name)
  }
  t.equal(upstream.requests, cases.length, 'none was tried again')
  t.equal(breaker.counts.failure, cases.length)
})

t.test('no redirect to another origin is followed', async (t) => {
  const [upstream, elsewhere] = [await scriptedUpstream(t), await scriptedUpstream(t)]
  upstream.script(status(302, { location: elsewhere.url }))
  t.match(await rejection(testClient(t, upstream.url).request(call)), { kind: 'redirect', status: 302 })
  t.equal(elsewhere.requests, 0)
})

t.test('a 4xx response is no failure, and is not retried', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request, breaker } = testClient(t, upstream.url, { attempts: 3, maxConcurrent: 1, breaker: { threshold: 1 } })
  for (const code of [400, 401, 403, 404, 409, 422, 429]) {
    upstream.script(status(code))
    t.match(await rejection(request(call)), { kind: 'status', status: code })
  }
  t.equal(upstream.requests, 7)
  t.match(breaker, { state: 'closed', counts: { success: 6, failure: 0, neutral: 1 } })
  t.equal(upstream.connections, 1, 'the bodies were read, and the connection was kept')
})

t.test('an upstream that refuses many calls works: it takes as many failures to open', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request, breaker } = testClient(t, upstream.url, { breaker: { threshold: 5, nowMs: () => 0 } })
  upstream.script(status(404))
  await Promise.all(Array.from({ length: 500 }, () => rejection(request(call))))
  upstream.script(status(503))
  for (let count = 0; count < 5; count++) t.match(await rejection(request(call)), { status: 503 })
  t.match(breaker, { state: 'closed', counts: { success: 500, failure: 5 } })
})

t.test('a refused probe has found an upstream that works, one that is asked for patience has not', async (t) => {
  const upstream = await scriptedUpstream(t)
  let nowMs = 0
  const { request, breaker } = testClient(t, upstream.url, {
    breaker: { threshold: 1, probes: 1, nowMs: () => nowMs }
  })
  upstream.script(status(500), status(429), status(404))
  await t.rejects(request(call))
  nowMs = 10_000
  t.match(await rejection(request(call)), { status: 429 })
  t.equal(breaker.state, 'half-open')
  t.match(await rejection(request(call)), { status: 404 })
  t.equal(breaker.state, 'closed')
})

t.test('only idempotent calls are retried', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request } = testClient(t, upstream.url, { attempts: 3 })
  const attempts = async (options: object) => {
    const before = upstream.requests
    upstream.script(status(503), status(503), ok)
    await request({ ...call, ...options }).catch(() => {})
    return upstream.requests - before
  }
  t.equal(await attempts({}), 3)
  t.equal(await attempts({ method: 'PUT', body: {} }), 3)
  t.equal(await attempts({ method: 'POST', body: {} }), 1)
  t.equal(await attempts({ method: 'PATCH', body: {} }), 1)
  t.equal(await attempts({ method: 'POST', body: {}, headers: { 'idempotency-key': 'k' } }), 3)
})

t.test('Retry-After of the upstream is honoured', async (t) => {
  const upstream = await scriptedUpstream(t)
  const time = createVirtualTime()
  let delays = 0
  const random = () => 0 * ++delays
  const { request } = testClient(t, upstream.url, { attempts: 3, random, time })
  upstream.script(status(503, { 'retry-after': '1' }), ok)
  const outcome = request(call)
  await waitFor('the first attempt has failed', () => delays === 1)
  await time.advance(999)
  t.equal(upstream.requests, 1)
  await time.advance(1)
  t.same(await outcome, VALUE)
  upstream.script(status(503, { 'retry-after': '3600' }))
  t.match(await rejection(request(call)), { status: 503, retryAfterMs: 3_600_000 })
  t.equal(upstream.requests, 3, 'an hour is longer than the deadline')
})

t.test('an open breaker sends nothing, not even for a token', async (t) => {
  const upstream = await scriptedUpstream(t)
  let issued = 0
  const tokens: TokenSource = { get: async () => `${++issued}`, invalidate: async () => {} }
  const { request, breaker } = testClient(t, upstream.url, {
    tokens,
    attempts: 3,
    breaker: { threshold: 5, nowMs: () => 0 }
  })
  upstream.script(status(500))
  while (breaker.state === 'closed') t.match(await rejection(request(call)), { status: 500 })
  t.equal(upstream.requests, 5, 'it has opened at the threshold, between two attempts of a call')
  const before = { issued, connections: upstream.connections }
  for (let count = 0; count < 50; count++) t.match(await rejection(request(call)), { kind: 'open', retryAfterMs: 1000 })
  t.match(upstream, { requests: 5, connections: before.connections })
  t.equal(issued, before.issued)
})

t.test('of a hundred calls that find it half-open, as many probes as are configured reach the upstream', async (t) => {
  const upstream = await scriptedUpstream(t)
  let nowMs = 0
  const { request, breaker } = testClient(t, upstream.url, {
    breaker: { threshold: 1, probes: 3, nowMs: () => nowMs },
    maxConcurrent: 64
  })
  upstream.script(status(500))
  await t.rejects(request(call))
  const release: (() => void)[] = []
  upstream.script((response, message) => release.push(() => ok(response, message)))
  nowMs = 10_000
  const calls = Array.from({ length: 100 }, () => request(call).catch((error) => error.kind))
  await waitFor('the probes', () => breaker.counts.refused === 97 && release.length === 3)
  t.equal(breaker.state, 'half-open')
  for (const answer of release) answer()
  const outcomes = await Promise.all(calls)
  t.equal(outcomes.filter((outcome) => outcome === 'open').length, 97)
  t.equal(upstream.requests, 4)
  t.equal(breaker.state, 'closed')
})

for (const [name, late] of [
  ['success', ok],
  ['failure', status(500)]
] as const) {
  t.test(`a late ${name} from before the opening changes nothing`, async (t) => {
    const upstream = await scriptedUpstream(t)
    let nowMs = 0
    const { request, breaker } = testClient(t, upstream.url, {
      breaker: { threshold: 1, probes: 2, nowMs: () => nowMs }
    })
    let answer: (() => void) | undefined
    upstream.script(
      (response, message) => {
        answer = () => late(response, message)
      },
      status(500),
      ok
    )
    const slow = request(call).catch(() => {})
    const finish = await waitFor('the slow request', () => answer)
    t.match(await rejection(request(call)), { status: 500 })
    nowMs = 10_000
    await request(call)
    finish()
    await slow
    t.equal(breaker.state, 'half-open')
    await request(call)
    t.equal(breaker.state, 'closed')
  })
}

t.test('there are never more calls on their way than may be; the rest waits, or is refused', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request, breaker } = testClient(t, upstream.url, {
    maxConcurrent: 4,
    maxWaiting: 20,
    breaker: { threshold: 1 }
  })
  upstream.script((response, message) => setImmediate(ok, response, message))
  const outcomes = await Promise.all(Array.from({ length: 30 }, () => request(call).catch((error) => error.kind)))
  t.equal(outcomes.filter((outcome) => outcome === 'busy').length, 6)
  t.equal(upstream.requests, 24)
  t.ok(upstream.mostAtOnce <= 4)
  t.ok(upstream.connections <= 4)
  t.match(breaker, { state: 'closed', counts: { failure: 0 } })
})

t.test('calls that waited for a place are not sent to an upstream that has failed meanwhile', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request } = testClient(t, upstream.url, { maxConcurrent: 1, breaker: { threshold: 1, nowMs: () => 0 } })
  upstream.script(status(500))
  const kinds = await Promise.all(Array.from({ length: 10 }, () => request(call).catch((error) => error.kind)))
  t.same(kinds, ['status', ...Array(9).fill('open')])
  t.equal(upstream.requests, 1)
})

t.test('a refused token is replaced once', async (t) => {
  const upstream = await scriptedUpstream(t)
  const rejected: string[] = []
  let token = 1
  const tokens: TokenSource = {
    get: async () => `secret-${token}`,
    async invalidate(refused) {
      rejected.push(refused)
      token++
    }
  }
  const { request, breaker } = testClient(t, upstream.url, { tokens })
  upstream.script((response, message) =>
    message.headers.authorization === 'Bearer secret-2' ? ok(response, message) : status(401)(response, message)
  )
  t.same(await request({ ...call, method: 'POST', body: { a: 1 } }), VALUE)
  t.same(rejected, ['secret-1'])
  t.equal(upstream.requests, 2)

  upstream.script(status(401))
  const error = await rejection(request(call))
  t.match(error, { kind: 'status', status: 401 })
  t.notMatch(inspect(error, { depth: 9, showHidden: true }), 'secret')
  t.equal(upstream.requests, 4, 'the second refusal is the answer')
  t.equal(breaker.counts.failure, 0)
})

t.test('when there is no other token, the first refusal is the answer', async (t) => {
  const upstream = await scriptedUpstream(t)
  upstream.script(status(401))
  const tokens: TokenSource = { get: async () => 'same', invalidate: async () => {} }
  const { request } = testClient(t, upstream.url, { tokens })
  t.match(await rejection(request(call)), { kind: 'status', status: 401 })
  t.equal(upstream.requests, 1)
})

t.test('a token source that fails ends the call, and no place is lost', async (t) => {
  const upstream = await scriptedUpstream(t)
  const failure = new Error('no token')
  let isFailing = true
  const tokens: TokenSource = {
    get: async () => {
      if (isFailing) throw failure
      return 'token'
    },
    invalidate: async () => {}
  }
  const { request } = testClient(t, upstream.url, { tokens, maxConcurrent: 1 })
  t.equal(await request(call).catch((error) => error), failure)
  isFailing = false
  t.same(await request(call), VALUE)
})

t.test('a fault of ours is not tried again, and says nothing of the upstream', async (t) => {
  const upstream = await scriptedUpstream(t)
  const dispatcher = new Agent()
  const { request, breaker } = testClient(t, upstream.url, { dispatcher, attempts: 3, maxConcurrent: 1 })
  t.match(await rejection(request({ ...call, headers: { 'x-field': 'two\nlines' } })), { kind: 'own-fault' })
  t.same(await request(call), VALUE, 'no place is lost')
  upstream.script(silence)
  const underWay = rejection(request(call))
  await waitFor('the request', () => upstream.requests === 2)
  await dispatcher.destroy()
  t.match(await underWay, { kind: 'own-fault', message: /UND_ERR_DESTROYED/ })
  t.match(await rejection(request(call)), { kind: 'own-fault' })
  t.equal(upstream.requests, 2)
  t.match(breaker.counts, { success: 1, failure: 0, neutral: 3 })
})

t.test(
  'an upstream that is slower than every deadline is a failing one; a caller that gives up says nothing',
  async (t) => {
    const upstream = await scriptedUpstream(t)
    const time = createVirtualTime()
    const { request, breaker } = testClient(t, upstream.url, { breaker: { threshold: 2 }, time })
    upstream.script(silence)
    const caller = new AbortController()
    const abandoned = rejection(request({ ...call, signal: caller.signal }))
    await waitFor('the request', () => upstream.requests === 1)
    caller.abort()
    t.match(await abandoned, { kind: 'aborted' })
    t.match(breaker.counts, { neutral: 1, failure: 0 })
    for (const requests of [2, 3]) {
      const late = rejection(request({ ...call, deadlineMs: 20 }))
      await waitFor('the request', () => upstream.requests === requests)
      await time.advance(20)
      t.match(await late, { kind: 'deadline' })
    }
    t.equal(breaker.state, 'open')
  }
)

t.test('in an outage, attempts are calls and the budget at most', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request } = testClient(t, upstream.url, { attempts: 3 })
  upstream.script(status(503))
  await Promise.all(Array.from({ length: 300 }, () => rejection(request(call))))
  t.equal(upstream.requests, 350)
})

t.test('a call that has ended leaves no timer behind', async (t) => {
  const upstream = await scriptedUpstream(t)
  const time = createVirtualTime()
  const { request } = testClient(t, upstream.url, { time })
  await request(call)
  await waitFor('the end of the answer', () => time.timers === 0)
  upstream.script(status(404))
  await rejection(request(call))
  await waitFor('the end of the answer', () => time.timers === 0)
})
