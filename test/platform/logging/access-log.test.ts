import fc from 'fast-check'
import { pino } from 'pino'
import t from 'tap'
import { redactKeys } from '../../../src/edge/auth/key-format.ts'
import type { RequestEnd } from '../../../src/platform/http/request-end.ts'
import { createAccessLog } from '../../../src/platform/logging/access-log.ts'

const record: RequestEnd = {
  requestId: 'k3v9q2xw-1f',
  method: 'GET',
  url: '/api/v1/products?limit=1',
  route: '/api/v1/products',
  status: 200,
  durationMs: 1.23456,
  keyId: 'key-1',
  cache: 'hit',
  aborted: false
}

type Level = Parameters<typeof createAccessLog>[0]['level']

/** The lines that one record makes, with their levels. */
function write(changes: Partial<RequestEnd> = {}, level: Level = 'info'): [number, string][] {
  const written: [number, string][] = []
  const stream = { append: (level: number, line: string) => void written.push([level, line]) }
  createAccessLog({ stream, level, withoutKeys: redactKeys, nowMs: () => 1_767_225_600_000 })({ ...record, ...changes })
  return written
}

const only = (changes: Partial<RequestEnd> = {}) => JSON.parse(write(changes)[0]?.[1] ?? '')

t.test('a line has the format of pino, and all there is to know of a request', async (t) => {
  const lines: string[] = []
  pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }).info({ reqId: '' }, '')
  const ofPino = JSON.parse(lines[0] ?? '')
  const { level, pid, hostname } = ofPino
  const line = only()
  t.same(line, {
    level,
    time: 1_767_225_600_000,
    pid,
    hostname,
    reqId: 'k3v9q2xw-1f',
    method: 'GET',
    url: '/api/v1/products?limit=1',
    route: '/api/v1/products',
    status: 200,
    durationMs: 1.235,
    keyId: 'key-1',
    cache: 'hit',
    msg: 'request completed'
  })
  t.same(Object.keys(line).slice(0, 5), Object.keys(ofPino).slice(0, 5))
})

t.test('whatever a client sends, a line is one line, and parsing gives it back', async (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 40 })
  // Also what comes in halves: strings of JavaScript are not always Unicode.
  const anything = fc.oneof(text, fc.string({ unit: fc.integer({ max: 0xffff }).map((c) => String.fromCharCode(c)) }))
  const path = anything.filter((path) => !path.includes('?')).map((path) => `/${path}`)
  fc.assert(
    fc.property(
      anything,
      path,
      fc.option(anything),
      fc.option(anything),
      fc.option(anything),
      fc.double({ min: 0, max: 999, noNaN: true }),
      (requestId, url, method, keyId, cache, durationMs) => {
        const [[, line = ''] = []] = write({ requestId, url, method, keyId, cache, durationMs })
        t.equal(line.indexOf('\n'), line.length - 1)
        const { reqId, ...parsed } = JSON.parse(line)
        t.match({ ...parsed, requestId: reqId }, { requestId, url, method, keyId, cache })
        t.ok(Math.abs(parsed.durationMs - durationMs) <= 0.0005)
      }
    )
  )
})

t.test('each of many strings stays itself', async (t) => {
  const urls = Array.from({ length: 2500 }, (_, number) => `/${number}`)
  t.same(
    [...urls, ...urls].map((url) => only({ url }).url),
    [...urls, ...urls]
  )
})

t.test('what failed is an error, what was slow a warning', async (t) => {
  const levelOf = (changes: Partial<RequestEnd>) => write(changes).map(([level]) => level)
  t.same(levelOf({ status: 500 }), [50])
  t.same(levelOf({ status: 503, durationMs: 5000 }), [50])
  t.same(levelOf({ durationMs: 1000 }), [40])
  t.same(levelOf({ durationMs: 999 }), [30])
  t.same(levelOf({ durationMs: 30_000, mayWait: true }), [30], 'as the client wished')
  t.same(levelOf({ status: 404 }), [30])
  t.equal(only({ status: 500 }).level, 50)
})

t.test('only what the level of the log lets through is written', async (t) => {
  const statuses = (level: Level) =>
    [{}, { durationMs: 2000 }, { status: 500 }].map((changes) => write(changes, level).length)
  t.same(statuses('trace'), [1, 1, 1])
  t.same(statuses('info'), [1, 1, 1])
  t.same(statuses('warn'), [0, 1, 1])
  t.same(statuses('error'), [0, 0, 1])
  t.same(statuses('fatal'), [0, 0, 0])
  t.same(statuses('silent'), [0, 0, 0])
})

t.test('a request that had no end says so', async (t) => {
  t.match(only({ aborted: true, status: 499 }), { aborted: true, status: 499, msg: 'request aborted' })
})
