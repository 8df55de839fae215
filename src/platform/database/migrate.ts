import { join } from 'node:path'
import mysql, { type Connection } from 'mysql2/promise'
import Postgrator from 'postgrator'
import type { MysqlConfig } from '../../config/config.ts'
import { connectionOptions } from './connection-options.ts'
import { takeLock } from './named-lock.ts'

const MIGRATIONS = join(import.meta.dirname, '../../../migrations/*.sql')
const SCHEMA_TABLE = 'schema_migrations'
const LOCK_TIMEOUT_SECONDS = 300

/** Work on rows that SQL cannot do, between two migrations. It runs again when it was interrupted. */
export interface DataMigration {
  /** The version of the schema after which it runs; the next migration relies on it. */
  afterVersion: number
  run(connection: Connection): Promise<void>
}

/**
 * Applies the pending migrations. Of several instances that start at once one applies them, under a lock of the server
 * that ends with its connection, and the others wait for it.
 * @param dataMigrations in the order of their versions
 * @returns the names of the files that were applied
 * @throws when the server does not answer, a migration fails, or another instance migrates for more than five minutes
 */
export async function applyMigrations(
  config: MysqlConfig,
  dataMigrations: readonly DataMigration[]
): Promise<string[]> {
  const connection = await mysql.createConnection({ ...connectionOptions(config), multipleStatements: true })
  try {
    const isFirst = await takeLock(connection, `${SCHEMA_TABLE}:${config.database}`.slice(0, 64), LOCK_TIMEOUT_SECONDS)
    if (!isFirst) throw new Error('another instance has been migrating for five minutes')
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

/** The version of the schema that this release needs. */
export function requiredVersion(): Promise<number> {
  return new Postgrator({ driver: 'mysql', migrationPattern: MIGRATIONS }).getMaxVersion()
}

/** Asks for the version of the schema that the database has. */
export const versionStatement = `SELECT MAX(version) AS version FROM ${SCHEMA_TABLE}`

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
