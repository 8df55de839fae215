import { markdownTable, median, quantile } from '../results.ts'
import type { ScenarioResult, SizeResult } from './result.ts'
import { type Group, groupOf } from './scenario.ts'
import { DEEP_BACKWARD, DEEP_FORWARD, NEVER_MEET, PLAIN, WORD_IN_HALF } from './scenarios/names.ts'

const RATIO_GOAL = 1.5
const NAIVE_GOAL = 50
const NEVER_MEET_GOAL_MS = 150
const MILLION = 1_000_000
/** Goals for the p95 of a search, by number of products. */
const searchGoalsMs: Readonly<Record<number, number>> = { [MILLION]: 15, [10 * MILLION]: 50 }

/** Writes a table of the goals and the measurements. At other sizes than that of a goal, it shows the measurement alone. */
export function describeGoals({ rows, results }: SizeResult): string {
  const lists = inGroup(results, 'lists')
  const searches = inGroup(results, 'searches').filter(({ scenario }) => scenario.name !== NEVER_MEET)
  const searchGoalMs = searchGoalsMs[rows]
  const never = named(results, NEVER_MEET).aisleMs
  const rowsOf = (name: string) => Math.round(named(results, name).examination.rows).toLocaleString('en')
  const lines = [
    ['lists without search, p50 compared with the floor', describeRatios(lists), `≤ ${RATIO_GOAL} ×`],
    [
      'searches, the worst p95',
      describeSlowest(searches, searchGoalMs ?? Number.POSITIVE_INFINITY),
      searchGoalMs === undefined ? '' : `≤ ${searchGoalMs} ms`
    ],
    [
      `${WORD_IN_HALF}, compared with naive FULLTEXT`,
      describeGain(named(results, WORD_IN_HALF)),
      rows === MILLION ? `≥ ${NAIVE_GOAL} ×` : ''
    ],
    [
      NEVER_MEET,
      `p50 ${quantile(never, 0.5).toFixed(1)} ms, p95 ${quantile(never, 0.95).toFixed(1)} ms`,
      rows === MILLION ? `≤ ${NEVER_MEET_GOAL_MS} ms` : ''
    ],
    [
      'rows examined for the first page and for a deep one',
      `${rowsOf(PLAIN)}, and ${rowsOf(DEEP_FORWARD)} forward, ${rowsOf(DEEP_BACKWARD)} backward`,
      'the same'
    ]
  ]
  return markdownTable(['what', 'measured', 'goal'], lines)
}

/** Writes how the latency of lists without search grows with the number of products. */
export function describeGrowth(sizes: readonly SizeResult[]): string {
  const p50s = sizes.map(({ results }) => p50Of(inGroup(results, 'lists')))
  const each = sizes.map(({ rows }, index) => {
    const [p50 = 0, before] = [p50s[index], p50s[index - 1]]
    const ratio = before === undefined ? '' : ` (${(p50 / before).toFixed(2)} ×)`
    return `${p50.toFixed(2)} ms at ${rows.toLocaleString('en')}${ratio}`
  })
  return `Lists without search, p50 over all questions: ${each.join(', ')}. Goal: from 1 to 10 million ≤ ${RATIO_GOAL} ×.`
}

function inGroup(results: readonly ScenarioResult[], group: Group): ScenarioResult[] {
  return results.filter(({ scenario }) => groupOf(scenario) === group)
}

function named(results: readonly ScenarioResult[], name: string): ScenarioResult {
  const found = results.find(({ scenario }) => scenario.name === name)
  if (found === undefined) throw new Error(`there is no scenario “${name}”`)
  return found
}

function p50Of(results: readonly ScenarioResult[], whose: 'aisleMs' | 'floorMs' = 'aisleMs'): number {
  const all = results.flatMap((result) => result[whose])
  return quantile(all, 0.5)
}

function ratioOf(results: readonly ScenarioResult[]): number {
  return p50Of(results) / p50Of(results, 'floorMs')
}

function describeRatios(results: readonly ScenarioResult[]): string {
  const ratios = results.map((result) => ({ name: result.scenario.name, ratio: ratioOf([result]) }))
  ratios.sort((a, b) => a.ratio - b.ratio)
  const middle = median(ratios.map(({ ratio }) => ratio))
  const worst = ratios.at(-1)
  return `${ratioOf(results).toFixed(2)} × over all questions; of the scenarios the median ${middle.toFixed(2)} ×, the worst ${worst?.ratio.toFixed(2)} × (${worst?.name})`
}

/** Describes the slowest scenario, or all that miss the goal. */
function describeSlowest(results: readonly ScenarioResult[], goalMs: number): string {
  const slowest = results
    .map(({ scenario, aisleMs }) => ({ name: scenario.name, p95: quantile(aisleMs, 0.95) }))
    .sort((a, b) => b.p95 - a.p95)
  return slowest
    .filter(({ p95 }, index) => index === 0 || p95 > goalMs)
    .map(({ name, p95 }) => `${p95.toFixed(1)} ms (${name})`)
    .join(', ')
}

function describeGain({ aisleMs, naive }: ScenarioResult): string {
  const { usual } = naive
  if (typeof usual !== 'number') return usual ?? ''
  const p50 = quantile(aisleMs, 0.5)
  return Number.isFinite(usual) ? `${(usual / p50).toFixed(0)} × faster` : 'it timed out'
}
