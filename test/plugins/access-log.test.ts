import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { MAX_EVENT_LOOP_DELAY_MS } from '../../src/config/limits.ts'
import { openRoutes } from '../support/open-routes.ts'
import { SERVER, startService, toEnvironment } from '../support/service.ts'
import { testConfig } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

interface Line {
  level: number
  reqId: string
  method: string | null
  url: string | null
  route: string | null
  status?: number
  durationMs: number
  aborted?: true
  msg: string
}

const folder = t.testdir()
const defaults = await testConfig(t, { LOG_LEVEL: 'info', LOG_FILE_PATH: join(folder, 'aisle.log') })
const server = { ...defaults.server, maxEventLoopDelayMs: MAX_EVENT_LOOP_DELAY_MS }
const config = { ...defaults, server }
const app = await buildApp(config)
t.teardown(() => app.close())
openRoutes(app)

let release = () => {}
const released = new Promise<void>((resolve) => {
  release = resolve
})
app.addHook('onRequest', (request, reply, done) => {
  if (request.url === '/hijacked-in-a-hook') {
    reply.hijack()
    reply.raw.writeHead(200, { 'x-request-id': request.id }).end('raw')
    return
  }
  done(request.url === '/broken-hook' ? new Error('boom') : undefined)
})
app.addHook('preHandler', async (request) => {
  request.keyId = 'key-1'
  request.cacheOutcome = 'hit'
})
app.get('/fast/:name', async () => 'fast')
app.get('/hijacked-in-a-hook', async () => 'not reached')
app.get('/broken-hook', async () => 'not reached')
app.get('/broken', () => Promise.reject(new Error('boom')))
app.get('/never', { handlerTimeout: 50 }, () => new Promise(() => {}))
app.get('/waiting', () => released)
app.post('/echo', async (request) => request.body)
app.get('/begun', (_request, reply) => {
  reply.hijack()
  reply.raw.writeHead(200).write('the beginning')
})
await app.listen({ host: '127.0.0.1', port: 0 })
const address = app.server.address()
const port = address !== null && typeof address === 'object' ? address.port : 0
const base = `http://127.0.0.1:${port}`

/** Whatever was logged. */
async function allLines(): Promise<Line[]> {
  await app.logStream.flushAll()
  return globSync(join(folder, 'aisle.2*'))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line))
}

async function lines(): Promise<Line[]> {
  return (await allLines()).filter(({ status }) => status !== undefined)
}

/** The lines that something makes, as soon as there are as many as there should be, and all that have come by then. */
async function linesOf(act: () => Promise<unknown>, count = 1): Promise<Line[]> {
  const before = (await lines()).length
  await act()
  await waitFor(`${count} lines`, async () => (await lines()).length >= before + count)
  // A second line for the same request would come right after the first, and before that of a later request.
  await fetch(`${base}/fast/last`)
  const all = await waitFor('the last line', async () => {
    const all = await lines()
    return all.at(-1)?.url === '/fast/last' && all
  })
  return all.slice(before, -1)
}

/** Sends text over a connection of its own, and hangs up once the condition holds. */
async function send(text: string, isEnough: (received: string) => boolean | Promise<boolean>): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  let received = ''
  socket.on('error', () => {})
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk
  })
  await once(socket, 'connect')
  socket.write(text)
  await waitFor('the answer', () => isEnough(received))
  socket.destroy()
}

t.test('each request has one line, whatever becomes of it', async (t) => {
  const cases: [string, RequestInit, Partial<Line>][] = [
    ['/fast/name?limit=1', {}, { status: 200, level: 30, route: '/fast/:name' }],
    ['/fast/name', { method: 'HEAD' }, { method: 'HEAD', status: 200, level: 30 }],
    ['/api/v1/products', {}, { status: 200, route: '/api/v1/products' }],
    ['/api/v1/products?limit=0', {}, { status: 400, level: 30, route: '/api/v1/products' }],
    ['/api/v1/products', { method: 'DELETE' }, { method: 'DELETE', status: 405, route: null }],
    [
      '/api/v1/products',
      { method: 'OPTIONS', headers: { origin: 'https://a.example', 'access-control-request-method': 'PUT' } },
      { method: 'OPTIONS', status: 204 }
    ],
    ['/nothing', {}, { status: 404, route: null }],
    ['/%zz', {}, { status: 400, url: '/%zz', route: null }],
    ['/docs', {}, { status: 200 }],
    ['/health/liveness', {}, { status: 200 }],
    ['/hijacked-in-a-hook', {}, { status: 200, route: '/hijacked-in-a-hook' }],
    ['/broken-hook', {}, { status: 500, level: 50, route: '/broken-hook' }],
    ['/broken', {}, { status: 500, level: 50 }],
    ['/never', {}, { status: 503, level: 50 }],
    ['/echo', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }, { status: 400 }]
  ]
  for (const [url, init, expected] of cases) {
    let id: string | null = ''
    const written = await linesOf(async () => {
      const answer = await fetch(base + url, init)
      await answer.arrayBuffer()
      id = answer.headers.get('x-request-id')
    })
    const what = `${init.method ?? 'GET'} ${url}`
    t.equal(written.length, 1, what)
    t.match(written[0], { method: init.method ?? 'GET', url, reqId: id, msg: 'request completed', ...expected }, what)
    t.notOk(written[0]?.aborted, what)
  }
})

t.test('the line tells the key, the cache and the time', async (t) => {
  const [line] = await linesOf(async () => (await fetch(`${base}/fast/name`)).text())
  t.match(line, { keyId: 'key-1', cache: 'hit' })
  t.ok(line && line.durationMs > 0)
  const [slow] = await linesOf(async () => (await fetch(`${base}/never`)).text())
  t.ok(slow && slow.durationMs >= 49)
})

t.test('a client that goes away has its line', async (t) => {
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  const begun = await linesOf(() => send(get('/begun'), (received) => received.includes('the beginning')))
  t.match(begun, [{ url: '/begun', status: 200, aborted: true, msg: 'request aborted' }])

  const served = (name: string) => get(`/fast/${name}`)
  const connections = () =>
    new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)))
  const gone = await linesOf(async () => {
    const before = await connections()
    await send(get('/waiting') + served('queued'), async () => (await connections()) > before)
    await waitFor('it is gone', async () => (await connections()) <= before)
  }, 2)
  t.match(
    gone.sort((a, b) => String(b.url).localeCompare(String(a.url))),
    [
      { url: '/waiting', route: '/waiting', status: 499, aborted: true },
      { url: '/fast/queued', aborted: true }
    ],
    'also for what it had sent ahead'
  )
  const late = await linesOf(async () => {
    release()
    await nextTurn()
  }, 0)
  t.same(late, [], 'and no second one when the handler is done')
})

t.test('a body that breaks off is no fault of ours', async (t) => {
  const broken = await linesOf(() =>
    send(
      'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[1',
      async () => true
    )
  )
  t.match(broken, [{ url: '/echo', level: 30 }])
  const errors = (await allLines()).filter(({ level, reqId }) => level >= 50 && reqId === broken[0]?.reqId)
  t.same(errors, [])
})

t.test('what Node refuses has its line', async (t) => {
  const read = (status: number) => (received: string) => received.startsWith(`HTTP/1.1 ${status}`)
  const unread = { method: null, url: null, route: null, level: 30, msg: 'request completed' }
  t.match(await linesOf(() => send('NONSENSE\r\n\r\n', read(400))), [{ ...unread, status: 400 }])
  const long = `GET /${'u'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`
  t.match(await linesOf(() => send(long, read(414))), [{ ...unread, status: 414 }])
  const badBody =
    'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
  const written = await linesOf(() => send(badBody, read(400)))
  t.match(written, [{ method: 'POST', url: '/echo', status: 400, msg: 'request completed' }])
  t.equal(written.length, 1)
})

t.test('requests that are refused under pressure have their lines', async (t) => {
  const before = (await lines()).length
  await waitFor('a request is refused', async () => {
    const end = performance.now() + 1200
    while (performance.now() < end);
    await nextTurn()
    return (await fetch(`${base}/fast/refused`)).status === 503
  })
  const refused = async () => (await lines()).slice(before).find(({ status }) => status === 503)
  const line = await waitFor('the line', refused)
  t.match(line, { url: '/fast/refused', level: 50, route: '/fast/:name' })
})

t.test('errors have a file of their own', async (t) => {
  await lines()
  const errors = globSync(join(folder, 'aisle.error.*'))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line))
  t.ok(errors.length > 0)
  t.ok(errors.every(({ level }) => level >= 50))
  t.match(
    errors.find(({ url }) => url === '/broken'),
    { status: 500 }
  )
  t.match(
    errors.find(({ err }) => err),
    { err: { message: 'boom' }, msg: 'unexpected error' }
  )
})

const environment = { ...toEnvironment(config), PORT: '0', SHUTDOWN_DRAIN_MS: '0' }
const lastLine = (log: readonly { msg: string }[]) => log.filter((line) => 'route' in line)
const serve = (t: Test, code = '', env: Record<string, string> = {}) =>
  startService(t, { ...environment, ...env }, [
    '--import',
    `data:text/javascript,process.on('SIGUSR2', () => { ${code} })`,
    SERVER
  ])

t.test('the last line is there, however the service ends', async (t) => {
  const ways = {
    'a signal': ['SIGTERM', '', 0],
    'an uncaught error': ['SIGUSR2', "throw new Error('boom')", 1],
    'an exit': ['SIGUSR2', 'process.exit(7)', 7]
  } satisfies Record<string, [NodeJS.Signals, string, number]>
  for (const [what, [signal, code, status]] of Object.entries(ways)) {
    const service = await serve(t, code)
    for (const number of [1, 2, 3]) await (await fetch(`${service.url}/nothing/${number}`)).text()
    service.signal(signal)
    t.equal((await service.exit).code, status, what)
    t.match(
      lastLine(service.log),
      [1, 2, 3].map((number) => ({ url: `/nothing/${number}` })),
      what
    )
    t.equal(service.logged(/^uncaught error/).length, status === 1 ? 1 : 0)
  }
})

t.test('the level of the log holds for requests too, and files take the place of standard output', async (t) => {
  const file = join(t.testdir(), 'aisle.log')
  const quiet = await buildApp(await testConfig(t, { LOG_LEVEL: 'error', LOG_FILE_PATH: file }))
  t.teardown(() => quiet.close())
  openRoutes(quiet)
  quiet.get('/broken', () => Promise.reject(new Error('boom')))
  const url = await quiet.listen({ host: '127.0.0.1', port: 0 })
  for (const path of ['/nothing', '/broken']) await (await fetch(url + path)).text()
  await quiet.close()
  const written = globSync(file.replace('.log', '.2*')).flatMap((file) => readFileSync(file, 'utf8').split('\n'))
  t.equal(written.filter(Boolean).length, 2, 'the error and the line of its request')
})
