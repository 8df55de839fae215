import type { RecordableHistogram } from 'node:perf_hooks'
import { addAll, describeTally, type Tally, total } from '../load/tally.ts'
import { markdownTable } from '../results.ts'
import { HOT_QUERIES, type TrafficResult } from './traffic.ts'
import type { WriterReport } from './writer.ts'

export interface MixedResults {
  rows: number
  rate: number
  hotMs: number
  mixedMs: number
  warmUpErrors: Tally
  hot: TrafficResult
  mixed: TrafficResult
  written: WriterReport
  /** After the warm-up, after the first run and after the second, in bytes. */
  rss: readonly number[]
}

export function describeMixed({ rows, rate, hotMs, mixedMs, warmUpErrors, hot, mixed, written, rss }: MixedResults) {
  const errors: Tally = new Map()
  for (const tally of [warmUpErrors, hot.errors, mixed.errors]) addAll(errors, tally)
  const requests = mixed.hits.count + mixed.misses.count

  return `${rows.toLocaleString('en')} products; lists by category, price range, sort and limit (without search), ${rate} requests a second at random times. The
popularity of ${HOT_QUERIES.toLocaleString('en')} lists follows Zipf's law. First all of them are asked for once; then a run of ${hotMs / 1000} s over them
alone; then one of ${mixedMs / 1000} s in which ${percent(mixed.coldMisses.count / requests)} of the requests are for lists that nobody has asked for before, while another
process writes ${(written.writes / written.seconds).toFixed(1)} products a second, one in five of them new. Latencies count from the time at which a request was due;
the client sent them ${milliseconds(mixed.delayMicros.percentile(50))} ms (p50) and ${milliseconds(mixed.delayMicros.percentile(99))} ms (p99) later. Hits and misses are told apart by \`Cache-Status\`.

${total(errors) === 0 ? 'No errors.' : `**ERRORS: ${describeTally(errors)}**`}

${markdownTable(
  ['run', 'answers', 'number', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
  [
    line('all hot', 'hits', hot.hits),
    line('all hot', 'misses', hot.misses),
    line('mixed', 'hits', mixed.hits),
    line('mixed', 'misses', mixed.misses),
    line('mixed', 'of these, asked for the first time', mixed.coldMisses)
  ]
)}

${compareHits(hot.hits, mixed.hits)} Goals: 3 × for the hits' p99, 50 ms for the misses'.
RSS: ${rss.map((bytes) => `${Math.round(bytes / 2 ** 20)} MiB`).join(', ')} after the warm-up, the first and the second run.`
}

function line(run: string, answers: string, latencies: RecordableHistogram): string[] {
  const times = [50, 95, 99].map((percentile) => latencies.percentile(percentile))
  const cells = latencies.count === 0 ? Array(4).fill('–') : [...times, latencies.max].map(milliseconds)
  return [run, answers, latencies.count.toLocaleString('en'), ...cells]
}

function compareHits(hot: RecordableHistogram, mixed: RecordableHistogram): string {
  if (hot.count === 0 || mixed.count === 0) return '**NO HITS**: nothing came from the cache.'
  return `The p99 of the hits is ${(mixed.percentile(99) / hot.percentile(99)).toFixed(2)} × that of the all-hot run.`
}

function milliseconds(micros: number): string {
  return (micros / 1000).toFixed(2)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
