import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseExposition } from '../support/exposition.ts'
import { ok, scriptedUpstream, status } from '../support/scripted-upstream.ts'
import { testApp } from '../support/test-app.ts'
import { testConfig } from '../support/test-config.ts'
import { call, rejection } from '../support/upstream-client.ts'
import { waitFor } from '../support/wait-for.ts'

t.test('a breaker has metrics, and writes one log line for each change of its state', async (t) => {
  const folder = t.testdir()
  const upstream = await scriptedUpstream(t)
  const config = await testConfig(t, {
    EXTERNAL_API_BASE_URL: upstream.url,
    LOG_LEVEL: 'info',
    LOG_FILE_PATH: join(folder, 'aisle.log'),
    EXTERNAL_API_RETRY_ATTEMPTS: '1',
    CIRCUIT_BREAKER_THRESHOLD: '2',
    CIRCUIT_BREAKER_RESET_TIMEOUT: '20'
  })
  const app = await testApp(t, config)
  const { supplier } = app
  if (supplier === null) throw new Error('it is configured')
  const { request } = supplier.client
  const metrics = async () => {
    const families = parseExposition((await app.inject('/metrics')).body)
    const samples = families.flatMap((family) => family.samples).filter(({ name }) => name.startsWith('aisle_breaker_'))
    return Object.fromEntries(
      samples.map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(' '), value])
    )
  }

  t.equal(app.breaker('Supplier'), supplier.breaker)
  upstream.script(status(500), status(500), ok)
  for (const _ of [1, 2]) await rejection(request(call))
  t.equal(app.breaker('Supplier').state, 'open')
  t.match(await metrics(), {
    'aisle_breaker_state Supplier open': 1,
    'aisle_breaker_state Supplier closed': 0,
    'aisle_breaker_calls_total Supplier failure': 2,
    'aisle_breaker_transitions_total Supplier open': 1
  })

  await waitFor('the recovery', async () => {
    await request(call)
    return app.breaker('Supplier').state === 'closed'
  })
  t.match(await metrics(), {
    'aisle_breaker_state Supplier closed': 1,
    'aisle_breaker_calls_total Supplier success': 3,
    'aisle_breaker_transitions_total Supplier closed': 1
  })

  const lines = await waitFor('the log', () => {
    const files = globSync(join(folder, 'aisle.[0-9]*.log'))
    const log = files.flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'))
    const transitions = log.map((line) => JSON.parse(line)).filter((line) => line.breaker !== undefined)
    return transitions.some(({ to }) => to === 'closed') && transitions
  })
  t.match(lines, [
    {
      level: 40,
      breaker: 'Supplier',
      from: 'closed',
      to: 'open',
      msg: /^Supplier fails: its circuit breaker is open for \d+ ms$/
    },
    { level: 30, from: 'open', to: 'half-open', msg: 'Supplier is tried again' },
    { level: 30, from: 'half-open', to: 'closed', msg: 'Supplier works again' }
  ])
  t.equal(lines.length, 3)
})
