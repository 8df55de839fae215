import { cpus } from 'node:os'
import { runClosedLoop } from '../load/closed-loop.ts'
import { addAll, type Tally } from '../load/tally.ts'
import type { HotContender } from './contenders.ts'
import type { PreparedRequest } from './requests.ts'

/** One measurement of one contender under one kind of load. */
export interface HotMeasurement {
  answersPerSecond: number
  p50Micros: number
  p99Micros: number
  /** The processor time of the server for one response. */
  cpuMicros: number
  /** The share of one core that the server used. */
  serverCpuShare: number
  clientCpuShare: number
  /** The share of one core that all other programs used. */
  othersCpuShare: number
  logBytes: number
  errors: Tally
}

/** A measurement is repeated if other programs used more than this share of a core. */
export const DISTURBED_SHARE = 0.3
/** The maximum number of measurements for one result. */
export const ATTEMPTS = 3

/** Measures again while other programs disturb, and returns the least disturbed result, with the errors of all attempts. */
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

/** Measures one contender under one kind of load. */
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
  // Wait for the log lines of all counted responses.
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

/** Returns the working time of all cores together so far. */
function busyMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0)
}
