import { cpus } from 'node:os'
import { runClosedLoop } from '../load/closed-loop.ts'
import { addAll, type Tally } from '../load/tally.ts'
import type { HotContender } from './contenders.ts'
import type { PreparedRequest } from './requests.ts'

/** One contender under one kind of load, once. */
export interface HotMeasurement {
  answersPerSecond: number
  p50Micros: number
  p99Micros: number
  /** Processor time of the server for one answer. */
  cpuMicros: number
  /** Of one core. */
  serverCpuShare: number
  clientCpuShare: number
  /** What the rest of the machine took, also of one core. */
  othersCpuShare: number
  logBytes: number
  errors: Tally
}

/** A measurement in which other programs took more than this of a core is made again, a few times at most. */
export const DISTURBED_SHARE = 0.3
export const ATTEMPTS = 3

/** The least disturbed of a few attempts; mostly the first. It has the errors of all of them. */
export async function measureUndisturbed(...load: Parameters<typeof measureOnce>): Promise<HotMeasurement> {
  let best = await measureOnce(...load)
  for (let attempt = 2; attempt <= ATTEMPTS && best.othersCpuShare > DISTURBED_SHARE; attempt++) {
    const next = await measureOnce(...load)
    const [better, worse] = next.othersCpuShare < best.othersCpuShare ? [next, best] : [best, next]
    addAll(better.errors, worse.errors)
    best = better
  }
  return best
}

export async function measureOnce(
  { server }: HotContender,
  { request, expected }: PreparedRequest,
  connections: number,
  durationMs: number
): Promise<HotMeasurement> {
  const before = await server.usage()
  const machineBefore = busyMs()
  const startedAt = performance.now()
  const load = { port: server.port, nextRequest: () => request, expected, isSameBody: true, connections, durationMs }
  const { answers, answersPerSecond, latencyMicros, errors, clientCpuShare } = await runClosedLoop(load)
  const elapsedMs = performance.now() - startedAt
  const machineShare = (busyMs() - machineBefore) / elapsedMs
  // What is still to be logged belongs to the answers that were counted.
  const logBytes = await server.clearLog()
  const cpuMicros = (await server.usage()).cpuMicros - before.cpuMicros
  const serverCpuShare = cpuMicros / 1000 / elapsedMs
  return {
    answersPerSecond,
    p50Micros: latencyMicros.percentile(50),
    p99Micros: latencyMicros.percentile(99),
    cpuMicros: cpuMicros / answers,
    serverCpuShare,
    clientCpuShare,
    othersCpuShare: Math.max(0, machineShare - serverCpuShare - clientCpuShare),
    logBytes: logBytes / answers,
    errors
  }
}

/** The time that all cores together have worked so far. */
function busyMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0)
}
