import type { Connection } from 'mysql2/promise'
import type { Test } from 'tap'
import { appendChanges, type Change } from '../../src/catalogue/change-log/product-changes.ts'
import type { Config } from '../../src/config/config.ts'
import { createDatabase, type Database } from '../../src/platform/database/database.ts'
import { openPool } from '../../src/platform/database/pool.ts'

const CHANGED_AT = '2026-01-01 00:00:00.000'

/** Connections as those of a tail: a statement that waits for somebody fails. */
export function tailDatabase(t: Test, { mysql }: Pick<Config, 'mysql'>, connectionLimit = 1): Database {
  const limits = { connectionLimit, queueLimit: 100, queryTimeoutMs: 800 }
  const pool = openPool(mysql, limits)
  t.teardown(() => pool.end())
  return createDatabase(pool, limits)
}

/** A change whose id is a number in hexadecimal digits. */
export function change(number: number): Change {
  return { type: 'upsert', id: toId(number), sku: null }
}

export function toId(number: number): string {
  return number.toString(16).padStart(32, '0')
}

/** Adds a row to the log for each number, in the transaction of the connection, if there is one. */
export async function logNumbers(connection: Connection, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await appendChanges(connection, [change(number)], CHANGED_AT)
}

/** Begins a transaction as the writers do. */
export async function begin(connection: Connection): Promise<void> {
  await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await connection.beginTransaction()
}
