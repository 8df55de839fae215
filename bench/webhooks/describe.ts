import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { describeTally, type Tally, total } from '../load/tally.ts'
import { markdownTable, median } from '../results.ts'

/** A round of acknowledgements, and of the bare loop directly before or after it. */
export interface AcknowledgementRound {
  answersPerSecond: number
  p99Micros: number
  /** The processor time of the service for one delivery. */
  cpuMicros: number
  insertsPerSecond: number
}

/** A round with a worker: first alone, then under a steady load. */
export interface WorkRound {
  processedPerSecond: number
  /** The latency of acknowledgements at a steady rate while the worker applies events. */
  latencyMicros: RecordableHistogram
  /** How late the client sent the deliveries: its own share of the latencies. */
  delayMicros: RecordableHistogram
  /** The number of pending events at the end. */
  pendingAfter: number
}

/** The results of the webhook benchmark. */
export interface WebhookResults {
  durationMs: number
  connections: number
  poolConnections: number
  rounds: readonly AcknowledgementRound[]
  events: number
  rate: number
  rateMs: number
  workRounds: readonly WorkRound[]
  errors: Tally
}

/** Writes the section of the results about webhooks. */
export function describeWebhooks(results: WebhookResults): string {
  const { durationMs, connections, poolConnections, rounds, events, rate, rateMs, workRounds, errors } = results
  const latency = createHistogram()
  const delay = createHistogram()
  for (const { latencyMicros, delayMicros } of workRounds) {
    latency.add(latencyMicros)
    delay.add(delayMicros)
  }
  const wasBusy = workRounds.every(({ pendingAfter }) => pendingAfter > 0)

  return `Product events, each with an id of its own and a Standard Webhooks signature. ${rounds.length} rounds of ${durationMs / 1000} s: ${connections} connections
deliver one event after the other to a service without a worker; in turns before and after it, a bare loop on each of ${poolConnections}
connections runs only the same INSERT, as a prepared statement; the service has as many connections. Ratios are within the
same round. Then, ${workRounds.length} times, a service with its worker starts with ${events.toLocaleString('en')} pending events, and with enough to keep it
busy for longer than ${rate} deliveries a second at random times for ${rateMs / 1000} s take. Latencies count from the time at which a
delivery was due. MySQL, Redis, Aisle and the client share the cores.

${total(errors) === 0 ? 'No errors.' : `**ERRORS: ${describeTally(errors)}**`}${wasBusy ? '' : ' **The worker ran out of work.**'}

${markdownTable(
  ['what', 'median', 'range', 'goal'],
  [
    line(
      'acknowledgements, compared with bare INSERTs',
      rounds.map(ratioOf),
      (value) => `${value.toFixed(2)} ×`,
      '≥ 0.5 ×'
    ),
    line('acknowledgements/s', pick(rounds, 'answersPerSecond'), whole, ''),
    line('bare INSERTs/s', pick(rounds, 'insertsPerSecond'), whole, ''),
    line('p99 ms of an acknowledgement, at full speed', pick(rounds, 'p99Micros'), milliseconds, ''),
    line('CPU µs of the service per acknowledgement', pick(rounds, 'cpuMicros'), whole, ''),
    line('events processed/s', pick(workRounds, 'processedPerSecond'), whole, '≥ 1,000')
  ]
)}

At ${rate}/s with the worker busy: ${latency.count.toLocaleString('en')} acknowledgements, p50 ${milliseconds(latency.percentile(50))} ms, p95 ${milliseconds(latency.percentile(95))} ms, p99 ${milliseconds(latency.percentile(99))} ms
(goal: ≤ 50 ms), max ${milliseconds(latency.max)} ms. The client sent them ${milliseconds(delay.percentile(50))} ms (p50) and ${milliseconds(delay.percentile(99))} ms (p99) later than due.`
}

function ratioOf({ answersPerSecond, insertsPerSecond }: AcknowledgementRound): number {
  return answersPerSecond / insertsPerSecond
}

function pick<Name extends string>(rounds: readonly Record<Name, number>[], name: Name): number[] {
  return rounds.map((round) => round[name])
}

function line(what: string, values: readonly number[], format: (value: number) => string, goal: string): string[] {
  return [what, format(median(values)), `${format(Math.min(...values))} to ${format(Math.max(...values))}`, goal]
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function milliseconds(micros: number): string {
  return (micros / 1000).toFixed(2)
}
