import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { addAll, describeTally, type Tally, total } from '../load/tally.ts'
import { markdownTable, median } from '../results.ts'
import { HOT_QUERIES, type TrafficResult } from './traffic.ts'
import type { WriterReport } from './writer.ts'

/** A run with the hot lists alone, followed by one with new lists and writes. */
export interface Round {
  hot: TrafficResult
  mixed: TrafficResult
  written: WriterReport
}

/** The results of the mixed benchmark. */
export interface MixedResults {
  rows: number
  rate: number
  hotMs: number
  mixedMs: number
  warmUpErrors: Tally
  rounds: readonly Round[]
  /** The memory of Aisle in bytes: after the warm-up, and at the end. */
  rss: readonly number[]
}

/** Writes the section of the results about the mixed load. */
export function describeMixed({ rows, rate, hotMs, mixedMs, warmUpErrors, rounds, rss }: MixedResults) {
  const hot = together(rounds.map(({ hot }) => hot))
  const mixed = together(rounds.map(({ mixed }) => mixed))
  const errors: Tally = new Map()
  for (const tally of [warmUpErrors, hot.errors, mixed.errors]) addAll(errors, tally)
  const requests = mixed.hits.count + mixed.misses.count
  const writes = rounds.reduce((sum, { written }) => sum + written.writes, 0)
  const writingSeconds = rounds.reduce((sum, { written }) => sum + written.seconds, 0)

  return `${rows.toLocaleString('en')} products; lists by category, price range, sort and limit (without search), ${rate} requests a second at random times. The
popularity of ${HOT_QUERIES.toLocaleString('en')} lists follows Zipf's law. ${rounds.length} times, all of them are requested once; then follow ${hotMs / 1000} s with these lists only,
and ${mixedMs / 1000} s in which ${percent(mixed.coldMisses.count / requests)} of the requests are for lists never requested before, while another
process writes ${(writes / writingSeconds).toFixed(1)} products a second, one in five of them new. Latencies count from the time at which a request was due;
the client sent them ${milliseconds(mixed.delayMicros.percentile(50))} ms (p50) and ${milliseconds(mixed.delayMicros.percentile(99))} ms (p99) later. Hits and misses are distinguished by \`Cache-Status\`.
MySQL, Redis, Aisle, the writer and the client share the cores.

${total(errors) === 0 ? 'No errors.' : `**ERRORS: ${describeTally(errors)}**`}

${markdownTable(
  ['run', 'answers', 'number', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms'],
  [
    line('all hot', 'hits', hot.hits),
    line('all hot', 'misses', hot.misses),
    line('mixed', 'hits', mixed.hits),
    line('mixed', 'misses', mixed.misses),
    line('mixed', 'of these, requested for the first time', mixed.coldMisses)
  ]
)}

${compareHits(hot, mixed, rounds)} Goals: 3 × for the hits' p99, 50 ms for the misses'.
RSS: ${rss.map((bytes) => `${Math.round(bytes / 2 ** 20)} MiB`).join(' after the warm-up, ')} in the end.`
}

function together(results: readonly TrafficResult[]): TrafficResult {
  const all: TrafficResult = {
    hits: createHistogram(),
    misses: createHistogram(),
    coldMisses: createHistogram(),
    delayMicros: createHistogram(),
    errors: new Map()
  }
  for (const { hits, misses, coldMisses, delayMicros, errors } of results) {
    all.hits.add(hits)
    all.misses.add(misses)
    all.coldMisses.add(coldMisses)
    all.delayMicros.add(delayMicros)
    addAll(all.errors, errors)
  }
  return all
}

function line(run: string, answers: string, latencies: RecordableHistogram): string[] {
  const times = [50, 95, 99].map((percentile) => latencies.percentile(percentile))
  const cells = latencies.count === 0 ? Array(4).fill('–') : [...times, latencies.max].map(milliseconds)
  return [run, answers, latencies.count.toLocaleString('en'), ...cells]
}

function compareHits(hot: TrafficResult, mixed: TrafficResult, rounds: readonly Round[]): string {
  if (rounds.some(({ hot, mixed }) => hot.hits.count * mixed.hits.count === 0))
    return '**NO HITS**: nothing came from the cache.'
  const ratio = (hot: TrafficResult, mixed: TrafficResult) => mixed.hits.percentile(99) / hot.hits.percentile(99)
  const each = rounds.map(({ hot, mixed }) => ratio(hot, mixed))
  const [middle, least, most] = [median(each), Math.min(...each), Math.max(...each)].map((value) => value.toFixed(2))
  return `The p99 of the hits is ${ratio(hot, mixed).toFixed(2)} × that of the hot runs; of single rounds ${middle} (${least} to ${most}).`
}

function milliseconds(micros: number): string {
  return (micros / 1000).toFixed(2)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
