import { type AddressInfo, createServer, type LookupFunction } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import type { TokenSource } from '../../../src/integrations/upstream/upstream-client.ts'
import { UpstreamError, type UpstreamErrorKind } from '../../../src/integrations/upstream/upstream-error.ts'
import {
  type Answer,
  body,
  endlessBody,
  endlessError,
  ok,
  reset,
  resetInBody,
  scriptedUpstream,
  silence,
  status,
  truncated,
  VALUE
} from '../../support/scripted-upstream.ts'
import { call, LONG_MS, rejection, testClient } from '../../support/upstream-client.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'
import { waitFor } from '../../support/wait-for.ts'

/** Short, for what is meant to be cut off. */
const SHORT_MS = 60

t.test('each fault has its kind of error, and closes the connection', async (t) => {
  const upstream = await scriptedUpstream(t)
  const cases: [string, Answer, UpstreamErrorKind][] = [
    ['silence', silence, 'timeout'],
    ['a body that does not end', endlessBody, 'timeout'],
    ['a reset', reset, 'network'],
    ['a reset in the body', resetInBody, 'network'],
    ['a body that ends too soon', truncated, 'network'],
    ['an error whose body does not end', endlessError, 'status']
  ]
  for (const [name, answer, kind] of cases) {
    const time = createVirtualTime()
    const { request } = testClient(t, upstream.url, { attemptTimeoutMs: SHORT_MS, maxConcurrent: 1, time })
    const before = upstream.requests
    upstream.script(answer)
    const outcome = rejection(request(call))
    await waitFor('the request', () => upstream.requests === before + 1)
    if (kind === 'timeout') await time.advance(SHORT_MS)
    t.equal((await outcome).kind, kind, name)
    if (kind === 'status') await time.advance(SHORT_MS)
    await waitFor('the end of the connection', () => upstream.open === 0)
    upstream.script(ok)
    t.same(await waitFor('the only place', () => request(call)), VALUE)
    await waitFor('the end of the answer', () => upstream.atOnce === 0)
    upstream.disconnect()
  }
})

t.test('a call is retried after every fault', async (t) => {
  const upstream = await scriptedUpstream(t)
  for (const answer of [silence, endlessBody, reset, resetInBody, truncated]) {
    // A client for each: the first attempt has little time, the second must not depend on that.
    const { request } = testClient(t, upstream.url, { attempts: 20, attemptTimeoutMs: SHORT_MS })
    upstream.script(answer, answer, ok)
    t.same(await request(call), VALUE)
  }
})

t.test('a long unwanted body is not read to its end', async (t) => {
  const upstream = await scriptedUpstream(t)
  let sentBytes = 0
  const chunk = Buffer.alloc(16_384)
  upstream.script((response) => {
    response.writeHead(404)
    const go = () => {
      if (response.destroyed) return
      sentBytes += chunk.length
      response.write(chunk, () => setImmediate(go))
    }
    go()
  })
  const { request } = testClient(t, upstream.url, { attemptTimeoutMs: 10 * LONG_MS, deadlineMs: 10 * LONG_MS })
  t.match(await rejection(request(call)), { kind: 'status', status: 404 })
  await waitFor('the end of the connection', () => upstream.open === 0)
  t.ok(sentBytes > 65_536, `${sentBytes} bytes`)
})

t.test('the deadline ends a call between attempts and in one', async (t) => {
  const upstream = await scriptedUpstream(t)
  upstream.script(silence)
  const time = createVirtualTime()
  const { request } = testClient(t, upstream.url, { attempts: 1000, attemptTimeoutMs: 20, time })
  const outcome = rejection(request({ ...call, deadlineMs: 150 }))
  for (let attempt = 1; attempt <= 7; attempt++) {
    await waitFor('an attempt', () => upstream.requests === attempt)
    await time.advance(20)
  }
  await waitFor('the last attempt', () => upstream.requests === 8)
  await time.advance(10)
  t.equal((await outcome).kind, 'deadline')
  t.equal(upstream.requests, 8)
})

t.test('the error for an unreachable upstream has the code of the system error', async (t) => {
  const refusing = testClient(t, 'http://127.0.0.1:1')
  t.match(await rejection(refusing.request(call)), { kind: 'network', message: /ECONNREFUSED/ })
  // As the resolver tells it; a real one may take long where there is no network.
  const lookup: LookupFunction = (_name, _options, done) => done(Object.assign(new Error(), { code: 'ENOTFOUND' }), '')
  const dispatcher = new Agent({ connect: { lookup } })
  t.teardown(() => dispatcher.destroy())
  const unknown = testClient(t, 'http://supplier.invalid', { dispatcher })
  t.match(await rejection(unknown.request(call)), { kind: 'network', message: /ENOTFOUND/ })
})

t.test('a response that is not HTTP is not quoted', async (t) => {
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', () => socket.end('HTTP/1.1 200 OK\r\nhidden field\r\nhidden: \0\r\n\r\nhidden'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { request } = testClient(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const error = await rejection(request(call))
  t.equal(error.kind, 'network')
  t.notMatch(inspect(error, { depth: 9, showHidden: true }), 'hidden')
})

/** Brings a call into a phase in which it would stay for long. */
const phases: Record<string, (t: Test) => Promise<Start>> = {
  connecting: async (t) => {
    let connecting = 0
    const dispatcher = new Agent({ connect: () => connecting++ })
    t.teardown(() => dispatcher.destroy())
    const { request } = testClient(t, 'http://127.0.0.1:1', { dispatcher })
    return startOf(request, () => connecting > 0)
  },
  'waiting for a place': async (t) => {
    const upstream = await scriptedUpstream(t)
    upstream.script(silence)
    const { request } = testClient(t, upstream.url, { maxConcurrent: 1 })
    request(call).catch(() => {})
    await waitFor('the call that is in the way', () => upstream.requests === 1)
    return startOf(request, () => true)
  },
  'waiting for a token': async (t) => {
    let asked = 0
    const tokens: TokenSource = { get: () => new Promise(() => asked++), invalidate: async () => {} }
    const { request } = testClient(t, (await scriptedUpstream(t)).url, { tokens })
    return startOf(request, () => asked > 0)
  },
  'replacing a token': async (t) => {
    const upstream = await scriptedUpstream(t)
    upstream.script(status(401))
    let invalidated = 0
    const tokens: TokenSource = { get: async () => 'token', invalidate: () => new Promise(() => invalidated++) }
    const { request } = testClient(t, upstream.url, { tokens })
    return startOf(request, () => invalidated > 0)
  },
  'waiting for an answer': (t) => startAgainst(t, silence),
  'reading a body': (t) => startAgainst(t, endlessBody),
  'waiting for the next attempt': async (t) => {
    const upstream = await scriptedUpstream(t)
    upstream.script(status(503))
    let delays = 0
    const random = () => ++delays
    const { request } = testClient(t, upstream.url, { attempts: 2, retryDelayMs: 2000, random })
    return startOf(request, () => delays > 0)
  }
}

type Start = (signal: AbortSignal) => Promise<Promise<unknown>[]>

async function startAgainst(t: Test, answer: Answer): Promise<Start> {
  const upstream = await scriptedUpstream(t)
  upstream.script((response, message) => {
    answer(response, message)
    // What is sent has to have arrived.
    setImmediate(() => setImmediate(() => answered++))
  })
  let answered = 0
  const { request } = testClient(t, upstream.url)
  return startOf(request, () => answered > 0)
}

function startOf(request: ReturnType<typeof testClient>['request'], isThere: () => boolean): Start {
  return async (signal) => {
    const outcome = rejection(request({ ...call, signal }))
    await waitFor('the phase', isThere)
    return [outcome]
  }
}

for (const [phase, prepare] of Object.entries(phases)) {
  t.test(`an aborted call fails before the event loop turns: ${phase}`, async (t) => {
    const start = await prepare(t)
    const caller = new AbortController()
    const [outcome] = await start(caller.signal)
    caller.abort(new Error('enough'))
    const error = await Promise.race([outcome, turn('still waiting')])
    t.match(error, { kind: 'aborted', cause: { message: 'enough' } })
  })
}

t.test('a call that was aborted before it began sends nothing', async (t) => {
  const upstream = await scriptedUpstream(t)
  const error = await rejection(testClient(t, upstream.url).request({ ...call, signal: AbortSignal.abort() }))
  t.equal(error.kind, 'aborted')
  t.equal(upstream.requests, 0)
})

t.test('a call that was aborted while connecting is not sent later', async (t) => {
  const upstream = await scriptedUpstream(t)
  const { request } = testClient(t, upstream.url, { maxConcurrent: 1 })
  const caller = new AbortController()
  const outcome = rejection(request({ ...call, signal: caller.signal }))
  caller.abort()
  t.equal((await outcome).kind, 'aborted')
  t.same(await request({ ...call, path: ['second'] }), VALUE)
  t.same(upstream.targets, ['/api/second'])
})

t.test('in any order of faults, aborts and deadlines every call ends, and no place is lost', async (t) => {
  const upstream = await scriptedUpstream(t)
  const answers: Record<string, Answer> = {
    ok,
    silence,
    endlessBody,
    endlessError,
    reset,
    resetInBody,
    truncated,
    refusal: status(404),
    failure: status(503),
    authorization: status(401),
    malformed: body('{}')
  }
  const callOf = fc.record({
    answer: fc.constantFrom(...Object.keys(answers)),
    abortAfterMs: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
    deadlineMs: fc.integer({ min: 5, max: 60 })
  })
  await fc.assert(
    fc.asyncProperty(fc.array(callOf, { minLength: 10, maxLength: 40, size: 'max' }), async (calls) => {
      upstream.script((response, message) => answers[message.url?.split('/').at(-1) ?? '']?.(response, message))
      const tokens: TokenSource = { get: async () => 'token', invalidate: async () => {} }
      const { request } = testClient(t, upstream.url, {
        tokens,
        attempts: 2,
        attemptTimeoutMs: 25,
        maxConcurrent: 3,
        maxWaiting: 10
      })
      const outcomes = await Promise.all(
        calls.map(({ answer, abortAfterMs, deadlineMs }) => {
          const signal = abortAfterMs === undefined ? undefined : AbortSignal.timeout(abortAfterMs)
          return request({ ...call, path: [answer], deadlineMs, signal }).catch((error) => error)
        })
      )
      for (const outcome of outcomes) {
        if (outcome instanceof UpstreamError || outcome?.sku === VALUE.sku) continue
        throw new Error(`neither an answer nor one of our errors: ${inspect(outcome)}`)
      }
      await waitFor('three places', async () => {
        const healthy = Array.from({ length: 3 }, () => request({ ...call, path: ['ok'] }))
        return (await Promise.all(healthy)).length === 3
      })
    }),
    { numRuns: 15 }
  )
  t.ok(upstream.requests > 100)
  t.ok(upstream.mostAtOnce > 1)
})
