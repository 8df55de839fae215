import mysql, { type RowDataPacket } from 'mysql2/promise'
import type { MysqlConfig } from '../src/config/config.ts'
import { connectionOptions } from '../src/platform/database/connection-options.ts'
import { seedCatalogue } from './seed/seed-catalogue.ts'

/** Enough for deep pages and rare words, and there within seconds. */
const ROWS = 20_000
const SEED = 42

/** Fills a catalogue with products to try things on, unless it has any. Answers how many it added. */
export async function fillEmptyCatalogue(database: MysqlConfig): Promise<number> {
  return (await isEmpty(database)) ? await seedCatalogue(database, { rows: ROWS, seed: SEED }) : 0
}

async function isEmpty(database: MysqlConfig): Promise<boolean> {
  const connection = await mysql.createConnection(connectionOptions(database))
  const [rows] = await connection.query<RowDataPacket[]>('SELECT 1 FROM products LIMIT 1')
  await connection.end()
  return rows.length === 0
}
