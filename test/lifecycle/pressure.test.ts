import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { MAX_EVENT_LOOP_DELAY_MS } from '../../src/config/limits.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const config = await testConfig(t)
const app = await testApp(t, {
  ...config,
  server: { ...config.server, maxEventLoopDelayMs: MAX_EVENT_LOOP_DELAY_MS }
})

t.test('a service that has just started, and an idle one, are not overloaded', async (t) => {
  const statuses = new Set<number>()
  const measured = new Set<number>()
  await waitFor('the event loop was measured three times', async () => {
    statuses.add((await app.inject('/api/v1/products')).statusCode)
    return measured.add(app.memoryUsage().eventLoopDelay).size > 3
  })
  t.same([...statuses], [200])
})

t.test('while the event loop is blocked, requests are refused, and probes are not', async (t) => {
  // Only the measurement after a block shows it, until the next one: this may take some blocks.
  const refused = await waitFor('a refusal', async () => {
    block(1200)
    await nextTurn()
    const answer = await app.inject('/api/v1/products')
    return answer.statusCode === 503 && answer
  })
  t.match(refused.headers, {
    'retry-after': '1',
    'content-type': /^application\/problem\+json/,
    'x-request-id': String
  })
  t.match(refused.json(), { code: 'overloaded', status: 503 })
  // MySQL may be late for the checks after such a block; but they are made.
  for (const url of ['/health/readiness', '/health']) t.ok((await app.inject(url)).json().checks, url)
  for (const url of ['/health/liveness', '/metrics']) t.equal((await app.inject(url)).statusCode, 200, url)
  await waitFor('it is over', async () => (await app.inject('/api/v1/products')).statusCode === 200)
})

function block(ms: number) {
  const until = performance.now() + ms
  while (performance.now() < until);
}
