import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { testApp } from '../support/test-app.ts'
import { waitFor } from '../support/wait-for.ts'

const app = await testApp(t)

t.test('a service that has just started, and an idle one, are not overloaded', async (t) => {
  const startedAt = performance.now()
  const statuses = new Set<number>()
  // Past the first measurements.
  await waitFor('two and a half seconds', 10_000, async () => {
    statuses.add((await app.inject('/api/v1/products')).statusCode)
    return performance.now() - startedAt > 2500
  })
  t.same([...statuses], [200])
})

t.test('while the event loop is blocked, requests are refused, and probes are not', async (t) => {
  // Of a blocked second only the measurement after it tells, and only until the next one: this may take some.
  const refused = await waitFor('a refusal', 30_000, async () => {
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
  for (const url of ['/health/liveness', '/health/readiness', '/health', '/metrics']) {
    t.equal((await app.inject(url)).statusCode, 200, url)
  }
  await waitFor('it is over', 10_000, async () => (await app.inject('/api/v1/products')).statusCode === 200)
})

function block(ms: number) {
  const until = performance.now() + ms
  while (performance.now() < until);
}
