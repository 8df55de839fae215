import { once } from 'node:events'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import type { TokenSource } from '../../../src/integrations/upstream/upstream-client.ts'
import { startTimeout } from '../../../src/platform/lib/time-limit.ts'
import { ok, scriptedUpstream, silence } from '../../support/scripted-upstream.ts'
import { call, testClient } from '../../support/upstream-client.ts'
import { createVirtualTime } from '../../support/virtual-time.ts'
import { waitFor } from '../../support/wait-for.ts'

/** The default of the configuration. */
const THRESHOLD = 5

const kindOf = (outcome: Promise<unknown>): Promise<string> => outcome.then(() => 'success').catch(({ kind }) => kind)

t.test('the time that a token took is not held against the upstream', async (t) => {
  const upstream = await scriptedUpstream(t)
  upstream.script(silence)
  const time = createVirtualTime()
  const token = Promise.withResolvers<string>()
  const tokens: TokenSource = { get: () => token.promise, invalidate: async () => {} }
  const { request, breaker } = testClient(t, upstream.url, {
    tokens,
    attempts: 3,
    breaker: { threshold: THRESHOLD },
    time
  })
  const outcomes = Array.from({ length: 20 }, () => kindOf(request({ ...call, deadlineMs: 800 })))
  await time.advance(401)
  token.resolve('token')
  await waitFor('all are on their way', () => upstream.requests === 20)
  await time.advance(399)
  t.same(new Set(await Promise.all(outcomes)), new Set(['deadline']))
  t.match(breaker, { state: 'closed', counts: { failure: 0, neutral: 20 } })
})

t.test('nor is the time that calls wait for each other', async (t) => {
  const places = 4
  const upstream = await scriptedUpstream(t)
  const release: (() => void)[] = []
  upstream.script((response, message) => release.push(() => ok(response, message)))
  const time = createVirtualTime()
  const { request, breaker } = testClient(t, upstream.url, {
    attempts: 3,
    maxConcurrent: places,
    breaker: { threshold: THRESHOLD },
    time
  })
  // Three times as many as there are places.
  const outcomes = Array.from({ length: 3 * places }, () => kindOf(request({ ...call, deadlineMs: 300 })))
  await waitFor('the first ones', () => release.length === places)
  await time.advance(149)
  for (const answer of release.splice(0)) answer()
  await waitFor('the second ones', () => release.length === places)
  await time.advance(1)
  for (const answer of release) answer()
  const kinds = await Promise.all(outcomes)
  t.same(kinds.slice(0, 2 * places), Array(2 * places).fill('success'))
  t.same(kinds.slice(2 * places), Array(places).fill('busy'), 'they would come too late')
  t.match(breaker, { state: 'closed', counts: { success: 2 * places, failure: 0 } })
})

t.test('nor is the time in which this process is busy with something else', async (t) => {
  const isAnswered = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(join(import.meta.dirname, 'support/upstream-worker.ts'), { workerData: { isAnswered } })
  t.teardown(() => worker.terminate())
  const [port] = await once(worker, 'message')
  let requests = 0
  worker.on('message', () => requests++)
  const deadlines: (() => void)[] = []
  const { request, breaker } = testClient(t, `http://127.0.0.1:${port}`, {
    attempts: 3,
    startTimeout(expire, delayMs) {
      if (delayMs !== 800) return startTimeout(expire, delayMs)
      let cancel = () => {}
      deadlines.push(() => {
        cancel = startTimeout(expire, 1)
      })
      return () => cancel()
    }
  })
  const outcomes = Array.from({ length: 10 }, () => kindOf(request({ ...call, deadlineMs: 800 })))
  await waitFor('all are on their way', () => requests === outcomes.length)
  // From here, timers are what the loop comes to first.
  await turn()
  for (const start of deadlines) start()
  worker.postMessage('answer')
  Atomics.wait(isAnswered, 0, 0)
  const startedAt = performance.now()
  while (performance.now() < startedAt + 2);
  t.same(new Set(await Promise.all(outcomes)), new Set(['success']))
  t.match(breaker.counts, { success: 10, failure: 0 })
})
