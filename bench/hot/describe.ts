import { count, describeTally, type Tally, total } from '../load/tally.ts'
import { markdownTable, median } from '../results.ts'
import type { ExpectedAnswers } from './answers.ts'
import { BASELINE, type HotContender } from './contenders.ts'
import { ATTEMPTS, DISTURBED_SHARE, type HotMeasurement } from './measure.ts'
import type { PreparedRequest, RequestName } from './requests.ts'

/** The measurements of one kind of load on every contender. */
export interface Row {
  name: RequestName
  connections: number
  cells: Cell[]
}

interface Cell {
  contender: HotContender
  /** The prepared request, or the reason why the contender cannot be measured. */
  request: PreparedRequest | Error
  measurements: HotMeasurement[]
}

/** The results of the hot benchmark. */
export interface HotResults {
  rounds: number
  durationMs: number
  answers: ExpectedAnswers
  rows: readonly Row[]
  /** The memory of each contender in bytes, in their order. */
  rssBefore: readonly number[]
  rssAfter: readonly number[]
}

/** Writes the section of the results about cached responses. */
export function describeHot(results: HotResults): string {
  const { rounds, durationMs, answers, rows } = results
  const errors: Tally = new Map()
  for (const { contender, measurements } of rows.flatMap(({ cells }) => cells)) {
    for (const measurement of measurements) {
      for (const [what, times] of measurement.errors) count(errors, `${contender.name}: ${what}`, times)
    }
  }
  const bare = rows.flatMap(({ cells, connections }) =>
    connections > 1 ? measurementsOf(cells, 'bare node:http') : []
  )
  const share = (select: Value) => `${Math.round(median(bare.map(select)) * 100)} %`

  return `Each contender is one process that answers the same bytes: a list of 20 products (${answers.list.length} bytes, compressed ${answers.gzippedList.length}), one
product (${answers.detail.length} bytes), or a 304. Aisle runs in production with everything on: limiter (far below its limit), security headers, CORS,
cache, access log; and once more without the limiter. The naive assembly uses the usual packages for the same features, at their defaults: helmet, cors, rate-limit, redis, etag, compress and
the framework's request log. Logs go to files. ${rounds} rounds of ${durationMs / 1000} s each; within a round the contenders run one after the
other, in alternating order. Numbers are medians of the rounds; ratios are to bare Fastify in the same round, with their
range. The client checks status and length of every response, and all bytes of a sample.
The client is not the bottleneck: against bare node:http it used ${share(({ clientCpuShare }) => clientCpuShare)} of a core, the server ${share(({ serverCpuShare }) => serverCpuShare)}, and unrelated
programs ${share(({ othersCpuShare }) => othersCpuShare)}. A measurement in which those used more than ${DISTURBED_SHARE * 100} % was repeated, at most ${ATTEMPTS - 1} times.

${total(errors) === 0 ? 'No errors.' : `**ERRORS: ${describeTally(errors)}**`}

Throughput:

${markdownTable(
  ['answer', 'connections', ...nameContenders(rows)],
  rows.map((row) => ratioLine(row, rateOf))
)}

Responses per CPU second of the server, all threads together; other programs on the machine disturb this less:

${markdownTable(
  ['answer', 'connections', ...nameContenders(rows)],
  rows.map((row) => ratioLine(row, frugalityOf))
)}

${markdownTable(
  ['answer', 'connections', 'contender', 'answers/s', 'p50 ms', 'p99 ms', 'CPU µs', 'log bytes', 'errors'],
  rows.flatMap((row) => row.cells.map((cell) => cellLine(row, cell)))
)}

${markdownTable(
  ['RSS, MiB', ...nameContenders(rows)],
  [
    ['after the warm-up', ...results.rssBefore.map(mebibytes)],
    ['after the run', ...results.rssAfter.map(mebibytes)]
  ]
)}`
}

function nameContenders(rows: readonly Row[]): string[] {
  return rows[0]?.cells.map(({ contender }) => contender.name) ?? []
}

function measurementsOf(cells: readonly Cell[], name: string): readonly HotMeasurement[] {
  return cells.find(({ contender }) => contender.name === name)?.measurements ?? []
}

type Value = (measurement: HotMeasurement) => number

const rateOf: Value = ({ answersPerSecond }) => answersPerSecond
const frugalityOf: Value = ({ cpuMicros }) => 1 / cpuMicros

function ratioLine({ name, connections, cells }: Row, value: Value): string[] {
  const baseline = measurementsOf(cells, BASELINE)
  const ratios = cells.map(({ request, measurements, contender }) => {
    if (request instanceof Error) return `**${request.message}**`
    if (contender.name === BASELINE) return '1'
    const each = baseline.map((base, round) => value(measurements[round] ?? base) / value(base))
    return `${median(each).toFixed(2)} (${Math.min(...each).toFixed(2)} to ${Math.max(...each).toFixed(2)})`
  })
  return [name, String(connections), ...ratios]
}

function cellLine({ name, connections }: Row, { contender, request, measurements }: Cell): string[] {
  if (request instanceof Error)
    return [name, String(connections), contender.name, `**${request.message}**`, ...Array(5).fill('–')]
  const middle = (select: Value) => median(measurements.map(select))
  const errors = measurements.reduce((sum, { errors }) => sum + total(errors), 0)
  return [
    name,
    String(connections),
    contender.name,
    Math.round(middle(rateOf)).toLocaleString('en'),
    milliseconds(middle(({ p50Micros }) => p50Micros)),
    milliseconds(middle(({ p99Micros }) => p99Micros)),
    middle(({ cpuMicros }) => cpuMicros).toFixed(1),
    Math.round(middle(({ logBytes }) => logBytes)).toString(),
    errors === 0 ? '0' : `**${errors}**`
  ]
}

function milliseconds(micros: number): string {
  return (micros / 1000).toFixed(micros < 1000 ? 3 : 2)
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}
