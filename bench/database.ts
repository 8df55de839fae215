import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { seedCatalogue } from '../scripts/seed/seed-catalogue.ts'
import { migrate } from '../src/catalogue/migrate.ts'
import type { MysqlConfig } from '../src/config/config.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'

/** The seed of the catalogues that are kept from run to run. */
export const CATALOGUE_SEED = 42

/** Creates a database on the configured server if it does not exist, and migrates it. */
export async function prepareDatabase(config: MysqlConfig, database: string): Promise<MysqlConfig> {
  await withServer(config, (admin) => admin.query('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4', [database]))
  const target = { ...config, database }
  await migrate(target)
  return target
}

/** Fills a database with the generated catalogue, unless it has at least `rows` products. */
export async function fillCatalogue(config: MysqlConfig, rows: number): Promise<void> {
  const connection = await mysql.createConnection(connectionOptions(config))
  const [[table]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS present FROM products')
  await connection.end()
  if (table?.present >= rows) return
  console.error(`filling ${config.database} with ${rows.toLocaleString('en')} rows, which the next run reuses`)
  await seedCatalogue(config, { rows, seed: CATALOGUE_SEED })
}

/** Removes a database, if it exists. */
export async function dropDatabase(config: MysqlConfig, database: string): Promise<void> {
  await withServer(config, (admin) => admin.query('DROP DATABASE IF EXISTS ??', [database]))
}

async function withServer(config: MysqlConfig, work: (admin: Connection) => Promise<unknown>): Promise<void> {
  const admin = await mysql.createConnection({ ...connectionOptions(config), database: '' })
  try {
    await work(admin)
  } finally {
    await admin.end()
  }
}
