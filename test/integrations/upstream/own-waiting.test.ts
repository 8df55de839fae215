import { once } from 'node:events'
import { join } from 'node:path'
import { setImmediate as immediate, setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import type { TokenSource } from '../../../src/integrations/upstream/upstream-client.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type Answer, ok, scriptedUpstream } from './support/scripted-upstream.ts'
import { call, LONG_MS, testClient } from './support/test-client.ts'

/** As configured unless said. */
const THRESHOLD = 5

const after =
  (delayMs: number): Answer =>
  (response, message) =>
    setTimeout(ok, delayMs, response, message)

const kindOf = (outcome: Promise<unknown>): Promise<string> => outcome.then(() => 'success').catch(({ kind }) => kind)

t.test('the time that a token has taken is not held against the upstream', async (t) => {
  const upstream = await scriptedUpstream(t)
  upstream.script(after(250))
  const token = wait(600, 'token')
  const tokens: TokenSource = { get: () => token, invalidate: async () => {} }
  const { request, breaker } = testClient(t, upstream.url, {
    tokens,
    attempts: 3,
    breaker: { threshold: THRESHOLD }
  })
  await Promise.all(Array.from({ length: 20 }, () => kindOf(request({ ...call, deadlineMs: 800 }))))
  t.equal(upstream.requests, 20)
  t.match(breaker, { state: 'closed', counts: { failure: 0 } })
})

t.test('nor is the time that calls wait for each other', async (t) => {
  const [places, answerMs, deadlineMs] = [4, 60, 300]
  const upstream = await scriptedUpstream(t)
  upstream.script(after(answerMs))
  const { request, breaker } = testClient(t, upstream.url, {
    attempts: 3,
    maxConcurrent: places,
    breaker: { threshold: THRESHOLD }
  })
  const calls: Promise<string>[] = []
  // Three times what it can answer.
  for (let round = 0; round < 25; round++) {
    for (let count = 0; count < 3 * places; count++) calls.push(kindOf(request({ ...call, deadlineMs })))
    await wait(answerMs)
  }
  const kinds = await Promise.all(calls)
  t.ok(kinds.includes('busy'), 'some were told that they would come too late')
  t.ok(kinds.includes('success'))
  t.equal(breaker.state, 'closed')
})

t.test('nor is the time in which we are busy with something else', async (t) => {
  const file = join(import.meta.dirname, 'support/upstream-worker.ts')
  const worker = new Worker(file, { workerData: { answerMs: 100 } })
  t.teardown(() => worker.terminate())
  const [port] = await once(worker, 'message')
  let requests = 0
  worker.on('message', () => requests++)
  const { request, breaker } = testClient(t, `http://127.0.0.1:${port}`, { attempts: 3 })
  const outcomes = Array.from({ length: 10 }, () => kindOf(request({ ...call, deadlineMs: 800 })))
  await waitFor('all are on their way', LONG_MS, () => requests === outcomes.length)
  // From here, timers are what the loop comes to first.
  await immediate()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900)
  t.same(new Set(await Promise.all(outcomes)), new Set(['success']))
  t.match(breaker.counts, { success: 10, failure: 0 })
})
