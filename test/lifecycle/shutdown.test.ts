import { Agent, get as httpGet } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { SERVER, startService, toEnvironment } from '../support/service.ts'
import { testConfig, testConnection } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const LISTS = '/api/v1/products'
const DRAIN_MS = 1500
const SLOW_REQUESTS = 50

const config = await testConfig(t, {
  DB_CONNECTION_LIMIT: String(SLOW_REQUESTS),
  DB_QUERY_TIMEOUT_MS: '8000',
  LOG_LEVEL: 'info'
})
const admin = await testConnection(t, config)
const environment = toEnvironment(config)
const serve = (t: Parameters<typeof startService>[0], drainMs: number, args?: string[]) =>
  startService(t, { ...environment, SHUTDOWN_DRAIN_MS: String(drainMs) }, args)

/** Runs code of the test in the service when it is sent SIGUSR2. */
const onUsr2 = (code: string) => ['--import', `data:text/javascript,process.on('SIGUSR2', () => { ${code} })`, SERVER]

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

function keepAliveAgent(t: Parameters<typeof startService>[0]): Agent {
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  return agent
}

/** No list is asked for twice, so that none comes out of a cache; and none needs a sample of the catalogue first. */
let lists = 0

/** Lists that are under way until `finish`: a lock of another connection holds them up. */
async function slowLists(url: string, agent: Agent) {
  await admin.query('LOCK TABLES products WRITE')
  const answers = Promise.all(
    Array.from({ length: SLOW_REQUESTS }, () => get(`${url}${LISTS}?category=c${lists++}`, agent))
  )
  await waitFor('all lists wait for the lock', 5000, async () => {
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

// It takes its time, and nobody need wait for it before the end.
const halfSent = await serve(t, 0)
const halfSentSocket = connect({ port: Number(new URL(halfSent.url).port), host: '127.0.0.1' })
halfSentSocket.on('error', () => {})
halfSentSocket.write('GET / HTTP/1.1\r\nHost:')
await waitFor('half of a request is sent', 1000, () => halfSentSocket.bytesWritten > 0)
// Served after what was sent before it.
await fetch(`${halfSent.url}/health/liveness`)
halfSent.signal('SIGTERM')

t.test('requests in flight finish, and those of the drain time are served', async (t) => {
  const service = await serve(t, DRAIN_MS)
  const agent = keepAliveAgent(t)
  const slow = await slowLists(service.url, agent)

  const load: Promise<Answer>[] = []
  let isLoaded = true
  const loading = (async () => {
    while (isLoaded) {
      load.push(get(`${service.url}/openapi.json`, agent))
      await wait(5)
    }
  })()
  await waitFor('the load is there', 5000, () => load.length > 50)
  const beforeSignal = load.length
  service.signal('SIGTERM')
  const signalledAt = performance.now()

  const draining = await waitFor('readiness says no', 1000, async () => {
    const answer = await get(`${service.url}/health/readiness`, agent)
    return answer.status === 503 && answer
  })
  t.match(draining.body, /"status":"draining"/)
  t.match(await get(`${service.url}/health/liveness`, agent), { status: 200, connection: 'close' })
  // As a load balancer does that has seen it.
  await waitFor('most of the drain time passes', DRAIN_MS, () => performance.now() - signalledAt > 0.7 * DRAIN_MS)
  isLoaded = false
  await loading
  const answers = await Promise.all(load)
  t.same([...new Set(answers.map(({ status }) => status))], [200])
  const drained = answers.slice(beforeSignal)
  t.ok(drained.length > 50, `${drained.length} requests in the drain time`)
  t.ok(drained.at(-1)?.connection === 'close')

  await waitFor('the drain time is over', 5000, () =>
    get(`${service.url}/health/liveness`, agent).then(
      () => false,
      () => true
    )
  )
  t.same([...new Set((await slow.finish()).map(({ status }) => status))], [200], 'all of those in flight finish')
  const { code } = await service.exit
  t.equal(code, 0)
  t.ok(performance.now() - signalledAt < DRAIN_MS + 8000)
  t.equal(service.stderr, '')
})

t.test('connections that were kept alive, or opened in advance, hold nothing up', async (t) => {
  const service = await serve(t, 0)
  const agent = keepAliveAgent(t)
  const inAdvance = connect({ port: Number(new URL(service.url).port), host: '127.0.0.1' })
  const closed = new Promise((resolve) => inAdvance.on('close', resolve).on('error', resolve))
  t.equal((await get(`${service.url}/health/liveness`, agent)).status, 200)
  const slow = await slowLists(service.url, agent)
  service.signal('SIGINT')
  await closed
  const finishedAt = performance.now()
  t.same([...new Set((await slow.finish()).map(({ status }) => status))], [200])
  t.equal((await service.exit).code, 0)
  t.ok(performance.now() - finishedAt < 5000)
})

t.test('a second signal ends it at once', async (t) => {
  const twice = async (signal: NodeJS.Signals) => {
    const service = await serve(t, 30_000)
    service.signal(signal)
    await waitFor('the first is noticed', 1000, () => service.logged(/stopping$/).length === 1)
    await wait(600)
    const startedAt = performance.now()
    service.signal(signal)
    t.equal((await service.exit).code, 1, signal)
    t.ok(performance.now() - startedAt < 2000)
  }
  await Promise.all([twice('SIGTERM'), twice('SIGINT')])
})

t.test('the same signal twice in a moment counts once', async (t) => {
  const service = await serve(t, 800)
  service.signal('SIGINT')
  await waitFor('the first is noticed', 1000, () => service.logged(/stopping$/).length === 1)
  service.signal('SIGINT')
  t.equal((await get(`${service.url}/health/liveness`, keepAliveAgent(t))).status, 200)
  t.equal((await service.exit).code, 0)
})

t.test('an uncaught error is logged, and ends it in order', async (t) => {
  const errors = {
    exception: "throw new Error('boom')",
    rejection: "Promise.reject(new Error('boom'))"
  }
  for (const [what, code] of Object.entries(errors)) {
    const service = await serve(t, 0, onUsr2(code))
    const slow = await slowLists(service.url, keepAliveAgent(t))
    service.signal('SIGUSR2')
    await waitFor('it is logged', 1000, () => service.logged(/^uncaught error/).length === 1)
    t.match(service.logged(/^uncaught error/), [{ level: 60, err: { message: 'boom' } }], what)
    t.same([...new Set((await slow.finish()).map(({ status }) => status))], [200])
    t.equal((await service.exit).code, 1)
  }
})

t.test('an error while it stops is not forgotten', async (t) => {
  const service = await serve(t, 500, onUsr2("throw new Error('boom')"))
  service.signal('SIGTERM')
  service.signal('SIGUSR2')
  await waitFor('it is logged', 1000, () => service.logged(/^uncaught error/).length === 1)
  t.equal((await service.exit).code, 1)
})

t.test('what should run last does, and its failure shows', async (t) => {
  const script = (onClosed: string) => [
    '--input-type=module',
    '--eval',
    `import { loadConfig } from '${new URL('../../src/config/config.ts', import.meta.url)}'
     import { serve } from '${new URL('../../src/serve.ts', import.meta.url)}'
     await serve(loadConfig(process.env), { onClosed: async () => { ${onClosed} } })`
  ]
  const good = await serve(t, 0, script("console.log('last')"))
  const bad = await serve(t, 0, script("throw new Error('no last words')"))
  for (const service of [good, bad]) service.signal('SIGTERM')
  t.equal((await good.exit).code, 0)
  t.equal(good.log.at(-1)?.msg, 'last')
  t.equal((await bad.exit).code, 1)
  t.match(bad.log.at(-1), { level: 60, err: { message: 'no last words' } })
})

t.test('a client that stops in the midst of its request does not hold it up for ever', async (t) => {
  const { code, afterMs } = await halfSent.exit
  t.equal(code, 0)
  t.ok(afterMs < 25_000, `${afterMs} ms`)
})
