import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { monotonicMs, runArrivals } from './arrivals.ts'
import { openConnection } from './connection.ts'
import type { Response } from './response.ts'
import { count, type Tally } from './tally.ts'

export interface OpenLoop {
  port: number
  /** Requests per second, whatever the server does. */
  rate: number
  durationMs: number
  nextRequest: () => Buffer
  /** @param latencyMicros since the request was due, so that a wait before it was sent counts as well */
  onResponse: (response: Response, latencyMicros: number, request: Buffer) => void
}

export interface OpenLoopResult {
  /** How much later than due the requests were sent: what the client itself adds to the latencies. */
  delayMicros: RecordableHistogram
  /** Requests without an answer. */
  errors: Tally
}

/** A connection, for one request at a time. */
interface Slot {
  send(request: Buffer, dueMs: number): void
  close(): void
}

const LAST_ANSWERS_TIMEOUT_MS = 10_000

/** Sends requests at their own times, each on a connection that is free then: a new one when none is. */
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
