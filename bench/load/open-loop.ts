import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type HttpResponse, openConnection } from './http-client.ts'
import { count, type Tally } from './tally.ts'

/** A load at a fixed rate, independent of the server. */
export interface OpenLoop {
  port: number
  /** Requests per second. */
  rate: number
  durationMs: number
  nextRequest: () => Buffer
  /**
   * A callback for each response.
   * @param latencyMicros the time since the request was due, which includes waiting before it was sent
   */
  onResponse: (response: HttpResponse, latencyMicros: number, request: Buffer) => void
}

/** The client's side of a load at a fixed rate. */
export interface OpenLoopResult {
  /** The delays between the due times and the sending: what the client itself adds to the latencies. */
  delayMicros: RecordableHistogram
  /** Requests without a response, by reason. */
  errors: Tally
}

/** A connection, for one request at a time. */
interface Slot {
  send(request: Buffer, dueMs: number): void
  close(): void
}

const LAST_ANSWERS_TIMEOUT_MS = 10_000

/**
 * Sends requests at random times, on a free connection or a new one. Requests are due whether or not earlier ones were
 * answered, and latencies count from the due time, so a slow server cannot hide its delays (coordinated omission).
 */
export async function runOpenLoop(load: OpenLoop): Promise<OpenLoopResult> {
  const { port, rate, durationMs, nextRequest, onResponse } = load
  const delayMicros = createHistogram()
  const errors: Tally = new Map()
  const free: Slot[] = []
  const busy = new Set<Slot>()

  function openSlot(): Slot {
    let sent: { request: Buffer; dueMs: number } = { request: Buffer.alloc(0), dueMs: 0 }
    const connection = openConnection(port, {
      onResponse: (response) => {
        onResponse(response, (monotonicMs() - sent.dueMs) * 1000, sent.request)
        busy.delete(slot)
        free.push(slot)
      },
      onBroken: (reason) => {
        if (busy.delete(slot)) count(errors, reason)
        else free.splice(free.indexOf(slot), 1)
      }
    })
    const slot: Slot = {
      close: connection.close,
      send(request, dueMs) {
        sent = { request, dueMs }
        busy.add(slot)
        connection.send(request)
      }
    }
    return slot
  }

  await runArrivals({ rate, durationMs }, (dueMs) => {
    delayMicros.record(Math.max(1, Math.round((monotonicMs() - dueMs) * 1000)))
    const slot = free.pop() ?? openSlot()
    slot.send(nextRequest(), dueMs)
  })
  const deadline = performance.now() + LAST_ANSWERS_TIMEOUT_MS
  while (busy.size > 0 && performance.now() < deadline) await wait(1)
  count(errors, 'no answer', busy.size)
  for (const slot of [...free, ...busy]) slot.close()
  return { delayMicros, errors }
}

type Schedule = Pick<OpenLoop, 'rate' | 'durationMs'>

/**
 * Calls `onArrival` at random, independent times: a Poisson process. Resolves after the last one. The times come from
 * this file, run as a worker thread: a timer counts whole milliseconds; a thread that sleeps on a lock is punctual to a
 * tenth of one.
 * @param onArrival takes the time when the arrival was due, by `monotonicMs`
 */
async function runArrivals(schedule: Schedule, onArrival: (dueMs: number) => void): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: schedule })
  worker.on('message', onArrival)
  await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
}

/** Reads the clock that all threads share. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

if (!isMainThread) {
  const { rate, durationMs }: Schedule = workerData
  const lock = new Int32Array(new SharedArrayBuffer(4))
  const startMs = monotonicMs()
  for (let dueMs = startMs; dueMs < startMs + durationMs; dueMs += (-Math.log(1 - Math.random()) / rate) * 1000) {
    const waitMs = dueMs - monotonicMs()
    if (waitMs > 0) Atomics.wait(lock, 0, 0, waitMs)
    parentPort?.postMessage(dueMs)
  }
}
