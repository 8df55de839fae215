import { Agent, get as httpGet } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { SERVER, type Service, startService, toEnvironment } from '../support/service.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const LISTS = '/api/v1/products'
const SLOW_REQUESTS = 20
const CLIENTS = 4
const config = await testConfig(t, {
  DB_CONNECTION_LIMIT: String(SLOW_REQUESTS),
  DB_QUERY_TIMEOUT_MS: '30000',
  LOG_LEVEL: 'info'
})
const admin = await testConnection(t, config)
const environment = toEnvironment(config)

/** Runs code of the test in the service when it is sent SIGUSR2. */
const onUsr2 = (code: string) => ['--import', `data:text/javascript,process.on('SIGUSR2', () => { ${code} })`, SERVER]

/** Runs the service with options of `serve`, given as code. */
const withOptions = (options: string) => [
  '--input-type=module',
  '--eval',
  `import { loadConfig } from '${new URL('../../src/config/config.ts', import.meta.url)}'
   import { serve } from '${new URL('../../src/serve.ts', import.meta.url)}'
   await serve(loadConfig(process.env), { ${options} })`
]

/** The drain time ends when the service is sent SIGUSR2. */
const HELD_DRAIN = "wait: () => new Promise((resolve) => process.once('SIGUSR2', resolve))"

/** A service without a drain time, unless `args` say otherwise. */
const start = (t: Test, args?: string[]) => startService(t, environment, args)

interface Answer {
  status: number
  connection: string | undefined
  body: string
}

function get(url: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { agent }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection, body })
      })
      response.on('error', reject)
    })
    request.on('error', reject)
  })
}

const statusesOf = (answers: readonly Answer[]) => [...new Set(answers.map(({ status }) => status))]

function keepAliveAgent(t: Test): Agent {
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  return agent
}

const untilStopping = (service: Service) =>
  waitFor('the signal is noticed', () => service.logged(/stopping$/).length === 1)

/** No list is asked for twice, so that none comes out of a cache; and none needs a sample of the catalogue first. */
let lists = 0

/** Requests lists that are in flight until `finish`: a lock of another connection holds them up. */
async function slowLists(url: string, agent: Agent) {
  await admin.query('LOCK TABLES products WRITE')
  const answers = Promise.all(
    Array.from({ length: SLOW_REQUESTS }, () => get(`${url}${LISTS}?category=c${lists++}`, agent))
  )
  await waitFor('all lists wait for the lock', async () => {
    const [rows] = await admin.query(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND STATE LIKE 'Waiting for table%'"
    )
    return Array.isArray(rows) && rows.length === SLOW_REQUESTS
  })
  return {
    async finish() {
      await admin.query('UNLOCK TABLES')
      return await answers
    }
  }
}

/** Requests one thing after the other, with several clients at a time, until `finish`. */
function load(url: string, agent: Agent) {
  const answers: Answer[] = []
  let isLoading = true
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (isLoading) answers.push(await get(url, agent))
  })
  return {
    answers,
    async finish() {
      isLoading = false
      await Promise.all(clients)
    }
  }
}

t.test('during the drain time requests are served, and requests in flight finish after it', async (t) => {
  const service = await start(t, withOptions(HELD_DRAIN))
  const agent = keepAliveAgent(t)
  const slow = await slowLists(service.url, agent)
  const { answers, finish } = load(`${service.url}/openapi.json`, agent)
  await waitFor('the load is there', () => answers.length > 50)
  service.signal('SIGTERM')
  await untilStopping(service)

  const readiness = await get(`${service.url}/health/readiness`, agent)
  t.match(readiness, { status: 503, body: /"status":"draining"/ })
  t.match(await get(`${service.url}/health/liveness`, agent), { status: 200, connection: 'close' })
  const beforeSignal = answers.length
  await waitFor('the drain time is used', () => answers.length > beforeSignal + 50)
  await finish()
  t.same(statusesOf(answers), [200])
  t.equal(answers.at(-1)?.connection, 'close')

  service.signal('SIGUSR2')
  await waitFor('the drain time is over', () =>
    get(`${service.url}/health/liveness`, agent).then(
      () => false,
      () => true
    )
  )
  t.same(statusesOf(await slow.finish()), [200], 'requests in flight finish')
  t.equal((await service.exit).code, 0)
  t.equal(service.stderr, '')
})

t.test('idle connections, and those opened in advance, do not delay the end', async (t) => {
  const service = await start(t)
  const agent = keepAliveAgent(t)
  const inAdvance = connect({ port: Number(new URL(service.url).port), host: '127.0.0.1' })
  const closed = new Promise((resolve) => inAdvance.on('close', resolve).on('error', resolve))
  t.equal((await get(`${service.url}/health/liveness`, agent)).status, 200)
  const slow = await slowLists(service.url, agent)
  service.signal('SIGINT')
  await closed
  t.same(statusesOf(await slow.finish()), [200])
  t.equal((await service.exit).code, 0)
  t.same(service.logged(/could not stop/), [], 'it did not wait for its deadline')
})

t.test('a second signal ends it at once', async (t) => {
  // Each signal comes a second after the one before.
  const options =
    'wait: () => new Promise(() => {}), nowMs: () => { globalThis.time ??= 0; return globalThis.time += 1000 }'
  const twice = async (signal: NodeJS.Signals) => {
    const service = await start(t, withOptions(options))
    service.signal(signal)
    await untilStopping(service)
    service.signal(signal)
    t.equal((await service.exit).code, 1, signal)
    t.equal(service.logged(/again: stopping at once$/).length, 1)
  }
  await Promise.all([twice('SIGTERM'), twice('SIGINT')])
})

t.test('the same signal twice in a moment counts once', async (t) => {
  const service = await start(t, withOptions(`${HELD_DRAIN}, nowMs: () => 0`))
  service.signal('SIGINT')
  await untilStopping(service)
  service.signal('SIGINT')
  t.equal((await get(`${service.url}/health/liveness`, keepAliveAgent(t))).status, 200)
  service.signal('SIGUSR2')
  t.equal((await service.exit).code, 0)
})

t.test('an uncaught error is logged, and ends it in order', async (t) => {
  const errors = {
    exception: "throw new Error('boom')",
    rejection: "Promise.reject(new Error('boom'))"
  }
  for (const [what, code] of Object.entries(errors)) {
    const service = await start(t, onUsr2(code))
    const slow = await slowLists(service.url, keepAliveAgent(t))
    service.signal('SIGUSR2')
    await waitFor('it is logged', () => service.logged(/^uncaught error/).length === 1)
    t.match(service.logged(/^uncaught error/), [{ level: 60, err: { message: 'boom' } }], what)
    t.same(statusesOf(await slow.finish()), [200])
    t.equal((await service.exit).code, 1)
  }
})

t.test('an error while it stops is not forgotten', async (t) => {
  const wait =
    "wait: () => new Promise((resolve) => process.once('SIGUSR2', () => { setTimeout(resolve); throw new Error('boom') }))"
  const service = await start(t, withOptions(wait))
  service.signal('SIGTERM')
  await untilStopping(service)
  service.signal('SIGUSR2')
  await waitFor('it is logged', () => service.logged(/^uncaught error/).length === 1)
  t.equal((await service.exit).code, 1)
})

t.test('onClosed runs last, and its failure is logged', async (t) => {
  const good = await start(t, withOptions("onClosed: async () => console.log('last')"))
  const bad = await start(t, withOptions("onClosed: async () => { throw new Error('no last words') }"))
  for (const service of [good, bad]) service.signal('SIGTERM')
  t.equal((await good.exit).code, 0)
  t.equal(good.log.at(-1)?.msg, 'last')
  t.equal((await bad.exit).code, 1)
  t.match(bad.log.at(-1), { level: 60, err: { message: 'no last words' } })
})
