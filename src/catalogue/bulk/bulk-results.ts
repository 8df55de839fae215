import type { BulkEnd, BulkFailure, BulkResult } from '../../../schemas/bulk.ts'
import type { Problem } from '../../../schemas/problem.ts'
import { validationFailed } from '../../platform/errors/app-error.ts'
import { formatId } from '../../platform/lib/uuid.ts'
import type { SkuOutcome } from '../products/upsert-products.ts'
import { type BulkLine, type LineRefusal, refusalOf } from './read-line.ts'

/** How many lines of a bulk had which result. */
export type BulkSummary = BulkEnd['summary']

/** Makes the summary of a bulk that has no results yet. */
export function emptySummary(): BulkSummary {
  return { lines: 0, created: 0, updated: 0, unchanged: 0, deleted: 0, absent: 0, refused: 0 }
}

/**
 * Makes the results of lines.
 * @param outcomes the outcomes of the lines that were not refused, in the same order
 */
export function toResults(lines: readonly BulkLine[], outcomes: readonly SkuOutcome[]): BulkResult[] {
  const next = outcomes.values()
  return lines.map((line) => {
    if ('refusal' in line) return refused(line, line.refusal)
    const outcome = next.next().value
    if (outcome === undefined) throw new Error('there are fewer outcomes than lines')
    return toResult(line, outcome)
  })
}

/** Adds results to a summary. */
export function countResults(summary: BulkSummary, results: readonly BulkResult[]): void {
  for (const { status } of results) summary[status]++
  summary.lines += results.length
}

/** Writes lines of a response as NDJSON in UTF-8. */
export function encodeLines(lines: readonly (BulkResult | BulkFailure | BulkEnd)[]): Buffer {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

/**
 * Makes the last lines of a response.
 * @param problem why the bulk is not complete
 */
export function endLines(summary: BulkSummary, problem?: Problem): (BulkFailure | BulkEnd)[] {
  return problem === undefined ? [{ summary, isComplete: true }] : [{ problem }, { summary, isComplete: false }]
}

function toResult(place: BulkLine, outcome: SkuOutcome): BulkResult {
  if (outcome.status === 'incomplete') {
    const errors = outcome.missing.map((field) => ({ pointer: `#/${field}`, detail: 'is required' }))
    return refused(place, refusalOf(validationFailed(errors)))
  }
  const { line, sku } = place
  const { status } = outcome
  return 'id' in outcome ? { line, sku, status, id: formatId(outcome.id) } : { line, sku, status }
}

function refused({ line, sku }: BulkLine, refusal: LineRefusal): BulkResult {
  return { line, sku, status: 'refused', ...refusal }
}
