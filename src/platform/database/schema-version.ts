import { AppError } from '../errors/app-error.ts'
import type { Database } from './database.ts'
import { versionStatement } from './migrate.ts'

/** The version of the schema in the database; 0 before the first migration. */
export async function schemaVersion(database: Database): Promise<number> {
  try {
    const [row] = await database.execute<{ version: number | null }>(versionStatement, [])
    return Number(row?.version ?? 0)
  } catch (error) {
    if (error instanceof AppError && isMissingTable(error.cause)) return 0
    throw error
  }
}

function isMissingTable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ER_NO_SUCH_TABLE'
}
