import { join } from 'node:path'
import mysql, { type Connection } from 'mysql2/promise'
import Postgrator from 'postgrator'
import type { MysqlConfig } from '../config.ts'
import { signProducts } from '../search/sign-products.ts'
import { connectionOptions } from './connection-options.ts'
import { takeLock } from './named-lock.ts'

const MIGRATIONS = join(import.meta.dirname, '../../migrations/*.sql')
const SCHEMA_TABLE = 'schema_migrations'
const LOCK_TIMEOUT_SECONDS = 300
/** With columns for the signatures of words, which are the same for all rows. The next one takes them for granted. */
const UNSIGNED_VERSION = 7

/**
 * Applies the pending migrations and answers their names. Of several instances that start at once one applies them,
 * under a lock of the server that ends with its connection, and the others wait for it.
 */
export async function migrate(config: MysqlConfig): Promise<string[]> {
  const connection = await mysql.createConnection({ ...connectionOptions(config), multipleStatements: true })
  try {
    const isFirst = await takeLock(connection, `${SCHEMA_TABLE}:${config.database}`.slice(0, 64), LOCK_TIMEOUT_SECONDS)
    if (!isFirst) throw new Error('another instance has been migrating for five minutes')
    const migrations = postgrator(connection, config.database)
    const applied: Postgrator.Migration[] = []
    if ((await migrations.getDatabaseVersion()) < UNSIGNED_VERSION) {
      applied.push(...(await migrations.migrate(String(UNSIGNED_VERSION))))
    }
    if ((await migrations.getDatabaseVersion()) === UNSIGNED_VERSION) await signProducts(connection)
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
