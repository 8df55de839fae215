import { join } from 'node:path'
import mysql, { type Connection } from 'mysql2/promise'
import Postgrator from 'postgrator'
import type { MysqlConfig } from '../../config/config.ts'
import { AppError } from '../errors/app-error.ts'
import { connectionOptions } from './connection-options.ts'
import type { Database } from './database.ts'
import { takeLock } from './named-lock.ts'

const MIGRATIONS = join(import.meta.dirname, '../../../migrations/*.sql')
const SCHEMA_TABLE = 'schema_migrations'
const LOCK_TIMEOUT_SECONDS = 300

/** Work on rows that SQL cannot do, between two migrations. It has to be repeatable: it runs again after an interruption. */
export interface DataMigration {
  /** The version of the schema after which it runs. The next migration relies on it. */
  afterVersion: number
  run(connection: Connection): Promise<void>
}

/**
 * Applies the pending migrations. When several instances start at once, one of them does it under a lock of the server,
 * which ends with its connection, and the others wait.
 * @param dataMigrations in the order of their versions
 * @returns the names of the files that were applied
 * @throws {Error} when the server does not answer, a migration fails, or another instance migrates for more than five
 * minutes
 */
export async function applyMigrations(
  config: MysqlConfig,
  dataMigrations: readonly DataMigration[]
): Promise<string[]> {
  const connection = await mysql.createConnection({ ...connectionOptions(config), multipleStatements: true })
  try {
    const hasLock = await takeLock(connection, `${SCHEMA_TABLE}:${config.database}`.slice(0, 64), LOCK_TIMEOUT_SECONDS)
    if (!hasLock) throw new Error('another instance has been migrating for five minutes')
    const migrations = postgrator(connection, config.database)
    const applied: Postgrator.Migration[] = []
    for (const { afterVersion, run } of dataMigrations) {
      if ((await migrations.getDatabaseVersion()) < afterVersion) {
        applied.push(...(await migrations.migrate(String(afterVersion))))
      }
      if ((await migrations.getDatabaseVersion()) === afterVersion) await run(connection)
    }
    applied.push(...(await migrations.migrate()))
    return applied.map(({ filename }) => filename.replace(/^.*\//, ''))
  } finally {
    await connection.end()
  }
}

/** Returns the version of the schema that this release needs: that of the newest file in `migrations/`. */
export function requiredVersion(): Promise<number> {
  return new Postgrator({ driver: 'mysql', migrationPattern: MIGRATIONS }).getMaxVersion()
}

/**
 * Reads the version of the schema of the database.
 * @returns 0 before the first migration
 * @throws {AppError} when the database does not answer
 */
export async function schemaVersion(database: Pick<Database, 'execute'>): Promise<number> {
  try {
    const [row] = await database.execute<{ version: number | null }>(
      `SELECT MAX(version) AS version FROM ${SCHEMA_TABLE}`,
      []
    )
    return Number(row?.version ?? 0)
  } catch (error) {
    if (error instanceof AppError && isMissingTable(error.cause)) return 0
    throw error
  }
}

function isMissingTable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ER_NO_SUCH_TABLE'
}

function postgrator(connection: Connection, database: string): Postgrator {
  return new Postgrator({
    driver: 'mysql',
    database,
    schemaTable: SCHEMA_TABLE,
    migrationPattern: MIGRATIONS,
    execQuery: async (sql) => {
      const [rows] = await connection.query(sql)
      return { rows: Array.isArray(rows) ? rows : [] }
    }
  })
}
