import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { type HttpConnection, type HttpResponse, openConnection } from './http-client.ts'
import { count, type Tally } from './tally.ts'

/** A load from a fixed number of connections, each with one request at a time. */
export interface ClosedLoop {
  port: number
  nextRequest: () => Buffer
  connections: number
  durationMs: number
  /** The expected response: every response must have its status and its length. */
  expected: Pick<HttpResponse, 'status' | 'body'>
  /** True if a sample of the responses must have its bytes, too. */
  isSameBody: boolean
}

/** The result of a load with a fixed number of connections. */
export interface ClosedLoopResult {
  /** The number of expected responses, including those after the time was over. */
  answers: number
  answersPerSecond: number
  latencyMicros: RecordableHistogram
  errors: Tally
  /** The share of one core that this client used. */
  clientCpuShare: number
}

/** The bytes of the first response of each connection, and of one response in so many, are compared. */
const COMPARE_EVERY = 1000
const LAST_ANSWERS_TIMEOUT_MS = 5000

/** Sends the next request on each connection as soon as the last one is answered, until the time is over. */
export async function runClosedLoop(load: ClosedLoop): Promise<ClosedLoopResult> {
  const { port, nextRequest, durationMs, expected, isSameBody } = load
  const latencyMicros = createHistogram()
  const errors: Tally = new Map()
  const waiting = new Set<HttpConnection>()
  let answers = 0
  let answersInTime = 0
  let endsAt = Number.POSITIVE_INFINITY

  /** Opens a connection. Resolves when it is open or broken, with the function that sends its first request. */
  function open(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<() => void>()
    let sentAt = 0
    let isFirst = true
    const connection = openConnection(port, {
      onOpen: () => resolve(start),
      onResponse: (response) => {
        const now = performance.now()
        const fault = faultOf(response, expected, isSameBody && (isFirst || answers % COMPARE_EVERY === 0))
        isFirst = false
        if (fault === undefined) {
          answers++
          if (now <= endsAt) answersInTime++
          latencyMicros.record(Math.max(1, Math.round((now - sentAt) * 1000)))
        } else {
          count(errors, fault)
        }
        if (now < endsAt) send(now)
        else finish()
      },
      onBroken: (reason) => {
        count(errors, reason)
        finish()
        resolve(() => {})
      }
    })
    const send = (now: number) => {
      sentAt = now
      connection.send(nextRequest())
    }
    const start = () => {
      waiting.add(connection)
      send(performance.now())
    }
    const finish = () => {
      waiting.delete(connection)
      connection.close()
    }
    return promise
  }

  const starts = await Promise.all(Array.from({ length: load.connections }, open))
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  endsAt = startedAt + durationMs
  for (const start of starts) start()
  await wait(durationMs)
  const { user, system } = process.cpuUsage(cpuBefore)
  const clientCpuShare = (user + system) / 1000 / (performance.now() - startedAt)

  const deadline = performance.now() + LAST_ANSWERS_TIMEOUT_MS
  while (waiting.size > 0 && performance.now() < deadline) await wait(1)
  count(errors, `no answer within ${LAST_ANSWERS_TIMEOUT_MS} ms`, waiting.size)
  for (const connection of waiting) connection.close()
  return { answers, answersPerSecond: (answersInTime / durationMs) * 1000, latencyMicros, errors, clientCpuShare }
}

function faultOf(
  { status, body }: HttpResponse,
  expected: ClosedLoop['expected'],
  compareBytes: boolean
): string | undefined {
  if (status !== expected.status) return `status ${status}`
  if (body.length !== expected.body.length) return 'another length'
  return compareBytes && !body.equals(expected.body) ? 'another body' : undefined
}
