import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

interface Schedule {
  /** Arrivals per second, on average. */
  rate: number
  durationMs: number
}

/**
 * Tells of each arrival at its time, until the time is over: independent of each other, so that the gaps between them
 * are exponential (a Poisson process). Answers once all have come.
 *
 * Timers count whole milliseconds. Another thread that sleeps on a lock is on time within a tenth of one, and costs
 * nothing meanwhile.
 * @param onArrival takes the time at which it was due, by the clock of `monotonicMs`
 */
export async function runArrivals(schedule: Schedule, onArrival: (dueMs: number) => void): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: schedule })
  worker.on('message', onArrival)
  await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
}

/** The one clock that all threads share. */
export function monotonicMs(): number {
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
