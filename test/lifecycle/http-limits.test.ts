import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { answerClientError } from '../../src/platform/http/client-error.ts'
import { limitBodies } from '../../src/platform/http/request-body.ts'
import { openRoutes } from '../support/open-routes.ts'
import { testConfig } from '../support/test-config.ts'
import { waitFor } from '../support/wait-for.ts'

const app = await buildApp(await testConfig(t))
t.teardown(() => app.close())
openRoutes(app)
app.get('/never', { handlerTimeout: 50 }, () => new Promise(() => {}))
const late = Promise.withResolvers<string>()
app.get('/late', () => late.promise)
app.get('/stream', (_request, reply) => {
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': 'text/plain' })
  reply.raw.write('the first part')
})
await app.listen({ host: '127.0.0.1', port: 0 })
const port = portOf(app.server)
const SOON_MS = 30_000

interface Answers {
  /** Everything that came back. */
  text: string
  /** The problem in the body of the last response. */
  problem: { code?: string; status?: number; requestId?: string }
  statuses: number[]
}

function portOf(server: Server): number {
  const address = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}

/**
 * Sends parts over one connection, each when the server has received the one before, and reads until the server closes it.
 * @param onSent called when the server has received all parts, or has closed the connection
 */
function send(parts: string[], server: Server = app.server, onSent = () => {}): Promise<Answers> {
  return new Promise((resolve, reject) => {
    let received: Socket | undefined
    server.once('connection', (accepted) => {
      received = accepted
    })
    // It stays half open: whether the server closes it by itself is the question.
    const socket = connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true })
    socket.setTimeout(SOON_MS, () => socket.destroy(new Error('the server does not close the connection')))
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('connect', async () => {
      let sentBytes = 0
      for (const part of parts) {
        socket.write(part)
        sentBytes += Buffer.byteLength(part)
        await waitFor('the server receives it', () => {
          return (
            received !== undefined && (received.bytesRead >= sentBytes || received.readableEnded || received.destroyed)
          )
        }).catch(reject)
      }
      onSent()
    })
    socket.on('end', () => {
      const body = text.slice(text.lastIndexOf('\r\n\r\n') + 4)
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
      resolve({ text, problem: body.startsWith('{') ? JSON.parse(body) : {}, statuses })
      socket.destroy()
    })
  })
}

const bombs = {
  'a long URL': [[`GET /${'u'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`], 414, 'uri-too-long'],
  'an endless URL': [[`GET /${'u'.repeat(3_000_000)}`], 414, 'uri-too-long'],
  'a long URL in parts': [[`GET /${'u'.repeat(9000)}`, 'u'.repeat(9000)], 414, 'uri-too-long'],
  'a long header': [[`GET / HTTP/1.1\r\nHost: x\r\nX: ${'h'.repeat(20_000)}\r\n\r\n`], 431, 'headers-too-large'],
  'an endless header': [[`GET / HTTP/1.1\r\nHost: x\r\nX: ${'h'.repeat(3_000_000)}`], 431, 'headers-too-large'],
  'many headers': [[`GET / HTTP/1.1\r\nHost: x\r\n${'X: hhhhhhhh\r\n'.repeat(3000)}\r\n`], 431, 'headers-too-large'],
  'many headers in parts': [
    ['GET / HTTP/1.1\r\n', ...Array.from({ length: 3 }, () => 'X: hhhhhhhh\r\n'.repeat(700))],
    431,
    'headers-too-large'
  ],
  'no HTTP at all': [['\x16\x03\x01 hello\r\n\r\n'], 400, 'malformed-request'],
  'a method that there is not': [['FETCH / HTTP/1.1\r\nHost: x\r\n\r\n'], 400, 'malformed-request'],
  'two lengths': [
    ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na'],
    400,
    'malformed-request'
  ],
  'nothing right after a request': [
    ['GET /health/liveness HTTP/1.1\r\nHost: x\r\n\r\n', 'NONSENSE\r\n\r\n'],
    400,
    'malformed-request'
  ]
} satisfies Record<string, [string[], number, string]>

for (const [what, [parts, status, code]] of Object.entries(bombs)) {
  t.test(`${what} is a ${status}`, async (t) => {
    const { text, problem, statuses } = await send(parts)
    t.equal(statuses.at(-1), status)
    t.match(problem, { status, code, requestId: /^[\w-]{8,}$/ })
    t.match(text, /content-type: application\/problem\+json/i)
    t.match(text, /connection: close/i)
  })
}

t.test('the connection of a client that gets an error and stays is closed', async (t) => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write('NONSENSE\r\n\r\n')
  socket.resume()
  // A write fails once the other side is closed, and not only shut for writing.
  const closed = new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
  const nagging = setInterval(() => socket.write('.'), 50)
  await closed
  clearInterval(nagging)
  t.pass()
})

t.test('an error response never interrupts another response', async (t) => {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk
  })
  const closed = once(socket, 'close')
  socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  await waitFor('the response begins', () => received.includes('the first part'))
  socket.write('NONSENSE\r\n\r\n')
  await closed
  t.same(received.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200'])
})

t.test('headers that do not arrive are a 408', async (t) => {
  // The service's own limits are those below; it looks for late clients too rarely for a test.
  const impatient = createServer({ headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 50 })
  impatient.on('clientError', answerClientError)
  await new Promise<void>((resolve) => impatient.listen(0, '127.0.0.1', resolve))
  t.teardown(() => impatient.close())
  const { problem, statuses } = await send(['GET / HTTP/1.1\r\nHost:'], impatient)
  t.same(statuses, [408])
  t.match(problem, { status: 408, code: 'request-timeout' })
})

t.test('a body that does not arrive is a 408, on any path', async (t) => {
  const limited = await buildApp(await testConfig(t))
  t.teardown(() => limited.close())
  limited.post('/slow', { config: { access: 'open' } }, async (request) => ({ took: request.body }))
  limited.post('/lifted', { config: { access: 'open' } }, async (request) => ({ took: request.body }))
  const { lift } = limitBodies(limited.server, 150)
  let isLiftedAsked = false
  limited.addHook('onRequest', async ({ url, raw }) => {
    if (url !== '/lifted') return
    lift(raw)
    isLiftedAsked = true
  })
  await limited.listen({ host: '127.0.0.1', port: 0 })
  const head = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n`

  for (const path of ['/slow', '/nowhere', '/api/v1/products', '/%zz']) {
    for (const body of ['Content-Length: 9\r\n\r\n[', 'Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n']) {
      const { statuses, problem } = await send([`${head(path)}${body}`], limited.server)
      if (path === '/slow') t.same(statuses, [408])
      t.ok(
        statuses.every((status) => status >= 400),
        `${path}: ${statuses}`
      )
      t.ok(problem.code, path)
    }
  }
  const get = 'GET /health/liveness HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab'
  t.same(
    (await send([get], limited.server)).statuses,
    [200, 408],
    'an answer that does not wait for the body does not wait'
  )

  const lifted = connect({ port: portOf(limited.server), host: '127.0.0.1' })
  const response = text(lifted)
  lifted.write(`${head('/lifted')}Content-Length: 9\r\n\r\n[`)
  await waitFor('the request arrives', () => isLiftedAsked)
  // A body with the limit that begins later is too late by then.
  const { statuses } = await send([`${head('/slow')}Content-Length: 9\r\n\r\n[`], limited.server)
  t.same(statuses, [408])
  lifted.write('1,2,3,4]')
  t.match(await response, /^HTTP\/1\.1 200 [\s\S]*"took":\[1,2,3,4\]/, 'where the limit is lifted, a late body is read')
})

t.test('the time limits of the server are set', async (t) => {
  const { headersTimeout, requestTimeout, keepAliveTimeout } = app.server
  t.same(
    { headersTimeout, requestTimeout, keepAliveTimeout },
    {
      headersTimeout: 15_000,
      // Bodies have a limit of their own, which some routes lift.
      requestTimeout: 0,
      keepAliveTimeout: 72_000
    }
  )
})

t.test('a handler that takes too long is a 503', async (t) => {
  const { problem, statuses, text } = await send(['GET /never HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'])
  t.same(statuses, [503])
  t.match(problem, { status: 503, code: 'handler-timeout' })
  t.match(text, /retry-after: 1\r\n/i)
})

t.test('connections stay open for further requests, also sent ahead', async (t) => {
  const request = 'GET /late HTTP/1.1\r\nHost: x\r\n\r\n'
  const last = 'GET /health/liveness HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  const answers = await send([request, request, last], app.server, () => late.resolve('late'))
  t.same(answers.statuses, [200, 200, 200])
  t.match(answers.text, /keep-alive: timeout=72/i)
})
