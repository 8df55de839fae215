import { addAll, describeTally, type Tally, total } from '../load/tally.ts'
import { markdownTable, quantile } from '../results.ts'
import { describeGoals, describeGrowth } from './describe-goals.ts'
import { NAIVE_LIMIT_MS, type NaiveTime } from './measure-naive.ts'
import type { ScenarioResult, SizeResult } from './result.ts'

const HEAD = [
  'scenario',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'rows examined',
  'plan',
  'floor, p50 ms',
  'ratio',
  'naive FULLTEXT or OFFSET, ms',
  'naive LIKE, ms'
]

/**
 * Writes the section of the results about lists and searches.
 * @param samples the maximum number of questions per scenario
 */
export function describeListing(results: readonly SizeResult[], samples: number): string {
  const growth = results.length > 1 ? `\n\n${describeGrowth(results)}` : ''
  return `Up to ${samples} different queries per scenario, so that no cache has the answer (verified by \`Cache-Status\`). “Every
sort” is all four keys in both orders, in turn, with 10 to 40 products a page. Aisle is the whole service in production. The
floor is hand-written SQL with the best plan known in advance, behind a bare Fastify handler, with the same driver and the same
JSON: every way to write a scenario is tried first, the fastest one counts, and all of them must find the same products. Each is
one process with one connection to the client, which sends one query at a time, to the one and then to the other, in
alternating order. The naive statements run without HTTP; the server aborts them after ${NAIVE_LIMIT_MS / 1000} s. Rows examined (medians, index
entries included) and plans are those of the statements that Aisle sends; what FULLTEXT reads within its own index is not
counted. The database, the servers and the client share the cores.

${results.map(describeSize).join('\n\n')}${growth}`
}

function describeSize(size: SizeResult): string {
  const { rows, deepPage, results } = size
  const errors: Tally = new Map()
  for (const { scenario, errors: own } of results) {
    addAll(errors, new Map(own.entries().map(([what, times]) => [`${scenario.name}: ${what}`, times])))
  }
  return `### ${rows.toLocaleString('en')} products

The deep page is page ${deepPage.toLocaleString('en')}, of 20 products each. ${total(errors) === 0 ? 'No errors.' : `**ERRORS: ${describeTally(errors)}**`} ${describeShortPages(results)}

${markdownTable(HEAD, results.map(line))}

${describeGoals(size)}`
}

function describeShortPages(results: readonly ScenarioResult[]): string {
  const short = each(results, ({ shortPages, aisleMs }) => (shortPages > 0 ? `${shortPages} of ${aisleMs.length}` : ''))
  const late = each(results, ({ floorTimeouts }) => (floorTimeouts > 0 ? String(floorTimeouts) : ''))
  const pages =
    short === '' ? 'Every page was full, or the last one.' : `Pages that stopped before they were full: ${short}.`
  return late === '' ? pages : `${pages} Queries for which the floor timed out: ${late}.`
}

/** Joins the descriptions of the scenarios that have one. */
function each(results: readonly ScenarioResult[], describe: (result: ScenarioResult) => string): string {
  return results
    .map((result) => ({ name: result.scenario.name, text: describe(result) }))
    .filter(({ text }) => text !== '')
    .map(({ name, text }) => `${text} of ${name}`)
    .join('; ')
}

function line({ scenario, aisleMs, floorMs, floor, examination, naive }: ScenarioResult): string[] {
  const p50 = quantile(aisleMs, 0.5)
  const floorP50 = quantile(floorMs, 0.5)
  return [
    scenario.name,
    ...[p50, quantile(aisleMs, 0.95), quantile(aisleMs, 0.99)].map(milliseconds),
    Math.round(examination.rows).toLocaleString('en'),
    describePlans(examination.plans),
    `${milliseconds(floorP50)} (${floor})`,
    Number.isNaN(floorP50) ? '–' : (p50 / floorP50).toFixed(2),
    naiveCell(naive.usual),
    naiveCell(naive.like)
  ]
}

/** Describes up to three plans, the most frequent first. */
function describePlans(plans: Tally): string {
  const sorted = [...plans].sort(([, a], [, b]) => b - a)
  if (sorted.length === 1) return sorted[0]?.[0] ?? ''
  const shown = sorted.slice(0, 3).map(([plan, times]) => `${plan} (${times})`)
  return `${shown.join('; ')}${sorted.length > shown.length ? '; …' : ''}`
}

function naiveCell(time: NaiveTime): string {
  if (time === undefined) return '–'
  if (typeof time === 'string') return time
  return Number.isFinite(time) ? milliseconds(time) : `> ${NAIVE_LIMIT_MS / 1000} s`
}

function milliseconds(ms: number): string {
  return Number.isNaN(ms) ? '–' : ms.toLocaleString('en', { maximumFractionDigits: ms < 100 ? 2 : 0 })
}
