import mysql, { type RowDataPacket } from 'mysql2/promise'
import type { MysqlConfig } from '../src/config/config.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'
import { seedCatalogue } from './seed/seed-catalogue.ts'

/** Enough for deep pages and rare words; added within seconds. */
const ROWS = 20_000
const SEED = 42

/**
 * Adds demo products to an empty catalogue.
 * @returns how many products it added: 0 if the catalogue has products already
 */
export async function fillEmptyCatalogue(database: MysqlConfig): Promise<number> {
  return (await isEmpty(database)) ? await seedCatalogue(database, { rows: ROWS, seed: SEED }) : 0
}

async function isEmpty(database: MysqlConfig): Promise<boolean> {
  const connection = await mysql.createConnection(connectionOptions(database))
  const [rows] = await connection.query<RowDataPacket[]>('SELECT 1 FROM products LIMIT 1')
  await connection.end()
  return rows.length === 0
}
