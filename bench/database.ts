import mysql, { type Connection } from 'mysql2/promise'
import type { MysqlConfig } from '../src/config.ts'
import { connectionOptions } from '../src/database/connection-options.ts'
import { migrate } from '../src/database/migrate.ts'

/** Makes a database beside the configured one, unless it is there, with all its tables. */
export async function createDatabase(config: MysqlConfig, database: string): Promise<MysqlConfig> {
  await withServer(config, (admin) => admin.query('CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4', [database]))
  const target = { ...config, database }
  await migrate(target)
  return target
}

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
