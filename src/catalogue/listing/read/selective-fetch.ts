import { isGivenUp } from '../../../platform/database/database-error.ts'
import type { SelectivePlan } from '../plan/plan.ts'
import type { ListReader } from './list-reader.ts'
import type { Statement } from './list-statements.ts'

/** As a multiple of what it was thought to cost, where that is little. */
const PATIENCE = 20
const SHORT_TIMEOUT_MS = 100

/**
 * After how long what is thought to be few is given up: soon, where it was thought to take no time at all. One of two
 * values, as each makes a statement of its own.
 */
export function timeoutOf({ costUs }: SelectivePlan, timeoutMs: number): number {
  return costUs * PATIENCE <= SHORT_TIMEOUT_MS * 1000 ? Math.min(SHORT_TIMEOUT_MS, timeoutMs) : timeoutMs
}

/** Runs a statement over what is thought to be few. Null when it turns out to be too many. */
export async function fetchSelective<Row>(
  { database, sampler }: ListReader,
  { sql, params }: Statement
): Promise<Row[] | null> {
  try {
    return await database.execute<Row>(sql, params)
  } catch (error) {
    if (!isGivenUp(error)) throw error
    sampler.distrust()
    return null
  }
}
