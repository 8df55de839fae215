import { isGivenUp } from '../database/database-error.ts'
import type { ListReader } from './list-reader.ts'
import type { Statement } from './list-statements.ts'

/** Runs a statement over what is thought to be few. Null when it turns out to be too many. */
export async function fetchFew<Row>(
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
