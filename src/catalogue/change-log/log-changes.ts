import type { Connection } from 'mysql2/promise'
import { type Change, encodeChanges } from './change.ts'

/** Keeps a row, and with it a step of its readers, small. */
const CHANGES_PER_ROW = 500

/**
 * Adds changes to the log: in the transaction that makes them, and after they are made, so that those of one product
 * are in the order of its row lock.
 * @param changedAt as the database has it
 */
export async function logChanges(connection: Connection, changes: readonly Change[], changedAt: string): Promise<void> {
  for (let start = 0; start < changes.length; start += CHANGES_PER_ROW) {
    const entries = encodeChanges(changes.slice(start, start + CHANGES_PER_ROW))
    await connection.query('INSERT INTO product_changes (changed_at, entries) VALUES (?, ?)', [changedAt, entries])
  }
}
